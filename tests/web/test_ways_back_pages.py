"""The last ways back have pages: a draft is deleted, a contract or a tender ended by who stands behind the money."""

from sqlalchemy import select

from marketplace.records.audit import AuditEvent
from marketplace.rules.lifecycle import TenderStatus
from tests.web.site import Site
from tests.web.test_tender_life_pages import BROKER, FUNDER, NEAR, refuses, shut, takes


def test_a_draft_is_deleted(site: Site) -> None:
    """Found from the draft, asked for a reason, gone from the lists; the patient reads why."""
    world = site.world.draft().agree(1)
    at = f"/broker/tenders/{world.tender.id}"
    client = site.client(BROKER)
    assert f"{at}/delete" in client.get(at).text
    assert "this draft is deleted" in client.get(at).text
    refuses(site, BROKER, f"{at}/delete", {"reason": " "}, "reason")
    shut(site, f"{at}/delete", NEAR, FUNDER, "p1@example.test")
    assert takes(site, BROKER, f"{at}/delete", {"reason": "The area was wrong."}) == "/broker/tenders"
    assert world.tender.status is TenderStatus.DELETED
    shown = client.get("/broker/tenders").text
    assert world.tender.title not in shown
    assert "Deleted" not in shown
    assert client.get(at).status_code == 404
    assert "The area was wrong." in site.client("p1@example.test").get(f"/patient/invitations/{world.need(1).id}").text


def test_an_early_opening_is_refused_on_the_page_and_recorded(site: Site) -> None:
    """The page says no; the trail says who asked."""
    world = site.world.draft().agree(1).publish()
    answer = site.client(BROKER).post(f"/broker/tenders/{world.tender.id}/close")
    assert (answer.status_code, "stay sealed" in answer.text) == (409, True)
    query = select(AuditEvent.role).where(AuditEvent.event == "tender.opening_refused")
    assert site.fresh().session.scalars(query).all() == ["broker"]
    assert world.tender.status is TenderStatus.OPEN
