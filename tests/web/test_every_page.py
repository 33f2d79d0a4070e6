"""Every page of every role opens, in every state of a tender; what belongs to somebody else is not found."""

import re
from datetime import timedelta

from marketplace.journey import awards
from marketplace.records.database import writing
from tests.web.site import Site


def opens(site: Site, email: str | None, *paths: str) -> None:
    client = site.client(email)
    for path in paths:
        answer = client.get(path)
        assert answer.status_code == 200, f"{email} {path}: {answer.status_code}"
        assert not re.search(r"&lt;/?[a-z]+", answer.get_data(as_text=True)), f"{email} {path}: markup told as text"


def test_pages_follow_a_tender_from_draft_to_award(site: Site) -> None:
    world = site.world
    opens(site, None, "/", "/how-it-works", "/tenders", "/sign-in")
    opens(site, "broker@example.test", "/broker/", "/broker/tenders", "/broker/tenders/new", "/broker/clients")
    opens(site, "p1@example.test", "/patient/", "/patient/budget", "/patient/care")
    opens(site, "near@example.test", "/provider/", "/provider/offers", "/provider/contracts")
    opens(site, "funder@example.test", "/commissioner/", "/commissioner/budgets")

    world.draft()
    tender, need = world.tender.id, world.need(1).id
    at = f"/broker/tenders/{tender}"
    opens(site, "broker@example.test", "/broker/", "/broker/tenders", at, f"{at}/groups/new", f"{at}/publish")
    opens(
        site, "p1@example.test", "/patient/", *(f"/patient/invitations/{need}{page}" for page in ("", "/preferences"))
    )

    world.agree()
    opens(site, "broker@example.test", "/broker/", at, f"{at}/publish")
    opens(site, "p1@example.test", "/patient/", f"/patient/invitations/{need}")

    world.publish()
    opens(site, None, "/", "/tenders", f"/tenders/{tender}", "/tenders?service=Physiotherapy&area=lincoln")
    opens(site, "broker@example.test", "/broker/", at, f"{at}/withdraw")
    opens(site, "near@example.test", "/provider/", f"/provider/tenders/{tender}", f"/provider/tenders/{tender}/offer")
    opens(site, "p1@example.test", "/patient/", "/patient/budget", f"/patient/invitations/{need}")

    world.three_offers()
    offer = next(row for row in world.tender.offers if row.provider_id == world.providers["bulk"].id).id
    opens(site, "bulk@example.test", "/provider/", "/provider/offers", f"/provider/offers/{offer}")
    opens(site, "bulk@example.test", f"/provider/tenders/{tender}", f"/provider/tenders/{tender}/offer")

    world.later(days=15)
    opens(site, "broker@example.test", "/broker/", at)

    world.run_round()
    match = world.match(1).id
    opens(site, "broker@example.test", "/broker/", at, f"{at}/result", f"{at}/people", f"{at}/people?offer={offer}")
    opens(site, "broker@example.test", f"{at}/award")
    opens(site, "p1@example.test", "/patient/", f"/patient/matches/{match}")
    opens(site, "bulk@example.test", f"/provider/offers/{offer}")

    world.decline(12).accept(*range(1, 12))
    opens(site, "broker@example.test", f"{at}/award")
    opens(site, "bulk@example.test", f"/provider/offers/{offer}")
    with writing(world.session):
        awards.waive_minimum(world.session, world.now, world.provider("bulk"), world.match(1).award_id)
    world.confirm()
    opens(site, None, f"/tenders/{tender}")
    opens(site, "broker@example.test", "/broker/", at, f"{at}/result", f"{at}/award")
    opens(site, "p1@example.test", "/patient/", f"/patient/matches/{match}")
    opens(site, "bulk@example.test", f"/provider/offers/{offer}")

    world.later(days=20)
    contract = world.contract(1).id
    opens(site, "broker@example.test", "/broker/", at)
    opens(site, "p1@example.test", "/patient/", f"/patient/contracts/{contract}")
    opens(site, "bulk@example.test", "/provider/", "/provider/contracts", f"/provider/contracts/{contract}")
    opens(site, None, "/", f"/tenders/{tender}")
    opens(site, "p1@example.test", "/patient/seen")
    world.now += timedelta(minutes=1)


def test_somebody_without_a_match_reads_why(site: Site) -> None:
    """The patient's page tells it in a sentence, and offer by offer; the broker's in one row."""
    world = site.world.draft().agree().publish()
    world.offer("near", (0, 6_100))
    world.later(days=15).run_round()
    text = site.client("p1@example.test").get(f"/patient/invitations/{world.need(1).id}").get_data(as_text=True)
    assert "No provider was found this time" in text
    assert "It would have cost £610.00. Your share is £600.00." in text
