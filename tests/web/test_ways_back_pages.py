"""The last ways back have pages: a draft is deleted, a contract or a tender ended by who stands behind the money."""

import pytest
from sqlalchemy import select

from marketplace.journey import cancellations, people
from marketplace.queries import holding, proceedings
from marketplace.records.audit import AuditEvent
from marketplace.records.database import writing
from marketplace.records.outbox import Message
from marketplace.records.tenders import CancelCode
from marketplace.rules.errors import NotFound
from marketplace.rules.lifecycle import ContractStatus, TenderStatus
from marketplace.rules.permissions import Actor, Role
from tests.web.site import Site
from tests.web.test_tender_life_pages import BROKER, FUNDER, NEAR, refuses, shut, takes


def test_a_draft_is_deleted(site: Site) -> None:
    """Found from the draft, asked for a reason, gone from the lists; the patient reads why."""
    world = site.world.draft().agree(1)
    at = f"/broker/tenders/{world.tender.id}"
    client = site.client(BROKER)
    assert f"{at}/delete" in client.get(at).text
    assert "If not, the draft is deleted" in client.get(at).text
    refuses(site, BROKER, f"{at}/delete", {"reason": " "}, "reason")
    shut(site, f"{at}/delete", NEAR, FUNDER, "p1@example.test")
    assert takes(site, BROKER, f"{at}/delete", {"reason": "The area was wrong."}) == "/broker/tenders"
    assert world.tender.status is TenderStatus.DELETED
    shown = client.get("/broker/tenders").text
    assert world.tender.title not in shown
    assert "Deleted" not in shown
    assert client.get(at).status_code == 404
    with writing(world.session):
        world.patients[1].easy_read = True
    for number in (1, 2):
        read = site.client(f"p{number}@example.test").get(f"/patient/invitations/{world.need(number).id}").text
        assert "The area was wrong." in read
        assert ("This group has ended" in read, "Yes, join" in read) == (True, False)


def test_an_early_opening_is_refused_on_the_page_and_recorded(site: Site) -> None:
    """The page says no; the trail says who asked."""
    world = site.world.draft().agree(1).publish()
    answer = site.client(BROKER).post(f"/broker/tenders/{world.tender.id}/close")
    assert (answer.status_code, "stay sealed" in answer.text) == (409, True)
    query = select(AuditEvent.role).where(AuditEvent.event == "tender.opening_refused")
    assert site.fresh().session.scalars(query).all() == ["broker"]
    assert world.tender.status is TenderStatus.OPEN


def test_a_commissioner_cancels_a_tender(site: Site) -> None:
    """Found from the list of its brokers' tenders, with a reason code; not while the offers are sealed."""
    world = site.world.draft().agree().publish().three_offers()
    at = f"/commissioner/tenders/{world.tender.id}/cancel"
    client = site.client(FUNDER)
    assert "/commissioner/tenders" in client.get("/commissioner/").text
    shown = client.get("/commissioner/tenders").text
    assert (world.tender.title in shown, at in shown) == (True, False)
    assert client.get(at).status_code == 409
    world.later(days=15)
    assert at in site.client(FUNDER).get("/commissioner/tenders").text
    shut(site, at, BROKER, NEAR, "p1@example.test")
    refuses(site, FUNDER, at, {"reason": "The money was cut."}, "code")
    takes(site, FUNDER, at, {"code": "funds_withdrawn", "reason": "The money was cut."})
    world = site.fresh()
    assert (world.tender.status, world.tender.cancelled_code) == (TenderStatus.CANCELLED, CancelCode.FUNDS_WITHDRAWN)
    assert world.money(1)["reserved"] == 0
    events = select(AuditEvent.role).where(AuditEvent.event == "tender.cancelled")
    assert world.session.scalars(events).all() == ["commissioner"]


def test_another_commissioners_tenders_are_not_found(site: Site) -> None:
    """Neither the list nor the page shows what another's broker does."""
    world = site.world.draft().agree().publish().three_offers().later(days=15)
    with writing(world.session):
        other = people.found_commissioner(world.session, "Another funder")
    actor = Actor("user-other", Role.COMMISSIONER, other.id)
    assert proceedings.overseen_count(world.session, actor) == 0
    assert not holding.of_budget(world.session, actor, world.budget(1).id)
    with pytest.raises(NotFound), writing(world.session):
        cancellations.cancel(
            world.session, world.now, actor, world.tender.id, code=CancelCode.CONDUCT, reason="It is not ours"
        )


def test_who_stands_behind_the_money_ends_and_refunds(site: Site) -> None:
    """The commissioner reads the contract from the budget, refunds a delivery, and ends it; both parties are told."""
    world = site.world.awarded()
    delivery, contract, budget = world.deliver(1, units=2), world.contract(1), world.budget(1).id
    at, refund = f"/contracts/{contract.id}", f"/deliveries/{delivery.id}/refund"
    client = site.client(FUNDER)
    assert at in client.get(f"/commissioner/budgets/{budget}/").text
    shown = client.get(at).text
    assert (refund in shown, f"{at}/end" in shown) == (True, True)
    refuses(site, FUNDER, refund, {"reason": "no"}, "reason")
    assert takes(site, FUNDER, refund, {"reason": "Nobody came on that day."}) == at
    assert "Nobody came on that day." in client.get(at).text
    assert "Nobody came on that day." in site.client("p1@example.test").get(f"/patient{at}").text
    assert "Nothing is due or paid" in refuses(site, FUNDER, refund, {"reason": "Once more, please."})
    refuses(site, FUNDER, f"{at}/end", {"reason": " "}, "reason")
    assert takes(site, FUNDER, f"{at}/end", {"reason": "The provider has closed."}) == at
    assert "The provider has closed." in client.get(at).text
    world = site.fresh()
    assert (contract.status, world.money(1)["committed"]) == (ContractStatus.ENDED, 0)
    told = select(Message.party_id).where(Message.template == "contract_ended", Message.about_id == contract.id)
    assert set(world.session.scalars(told)) == {contract.patient_id, contract.provider_id}
    assert world.books_balance()
    shut(site, at, BROKER, NEAR, "p1@example.test")
    assert "Your contract" in site.client("p1@example.test").get("/patient/seen").text
    assert "The provider has closed." in site.client("p1@example.test").get(f"/patient/contracts/{contract.id}").text
