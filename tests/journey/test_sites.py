"""A provider keeps its profile; what an offer says of its place is what the place was when it was sealed."""

from dataclasses import replace
from datetime import date
from functools import partial

import pytest
from sqlalchemy import select

from marketplace.journey import amendments, conduct, offers, people, rounds, sites
from marketplace.journey.claims.access import access
from marketplace.journey.claims.cohort import counted_tenders
from marketplace.journey.claims.fairness import fairness
from marketplace.journey.claims.quality import quality
from marketplace.journey.people import SiteDetails
from marketplace.records.audit import AuditEvent
from marketplace.records.catalogue import Service
from marketplace.records.contracts import Contract
from marketplace.records.database import writing
from marketplace.records.offers import ExclusionCode, Offer, OfferStatus
from marketplace.records.outbox import Message
from marketplace.records.providers import Provider, Site
from marketplace.rules.errors import Conflict, DomainError, Invalid, NotAllowed, NotFound, WrongState
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.permissions import Actor
from marketplace.rules.sites import SiteStatement
from tests.worlds import SmallWorld

STATED = SiteStatement("near clinic", ("physiotherapy",), ("step_free",), 14)
REASON = "As published this week."


def site_of(world: SmallWorld, name: str = "near") -> Site:
    return world.providers[name].sites[0]


def state(world: SmallWorld, actor: Actor | None = None, **changed: object) -> Site:
    """The provider of the near clinic (or somebody else) states something of it."""
    with writing(world.session):
        said = replace(STATED, **changed)  # type: ignore[arg-type]
        return sites.state_site(world.session, world.now, actor or world.provider("near"), site_of(world).id, said)


def rate(world: SmallWorld, name: str, rating: str | None, actor: Actor | None = None) -> Site:
    """The commissioner enters another rating."""
    with writing(world.session):
        return sites.change_rating(
            world.session,
            world.now,
            actor or world.funder,
            site_of(world, name).id,
            rating=rating,
            rating_date=date(2026, 3, 1) if rating else None,
            reason=REASON,
        )


def said_in(world: SmallWorld, name: str = "near") -> dict[str, object]:
    """What the last round's market says of a provider's offer."""
    row = rounds.latest_round(world.session, world.tender.id)
    assert row is not None
    return next(offer for offer in row.market["offers"] if offer["provider"] == world.providers[name].id)


def told(world: SmallWorld, template: str) -> list[str]:
    return list(world.session.scalars(select(Message.party_id).where(Message.template == template)))


def test_an_attribute_added_after_the_deadline_changes_nothing(world: SmallWorld) -> None:
    """Patient 1 needs evenings: nobody offered them by the deadline, so a late word of them matches nobody."""
    with writing(world.session):
        world.plan_line(1).requires = ["evening"]
    world.draft().agree().publish().three_offers().later(days=15)
    state(world, attributes=("step_free", "evening"), first_appointment_days=1)
    rate(world, "near", "Outstanding")
    world.run_round()
    as_sealed = (["step_free"], 14, 3)
    assert tuple(said_in(world)[name] for name in ("attributes", "first_appointment_days", "grade")) == as_sealed
    assert 1 not in world.providers_by_patient()
    world.decline(2).rematch()
    assert tuple(said_in(world)[name] for name in ("attributes", "first_appointment_days", "grade")) == as_sealed
    assert 1 not in world.providers_by_patient()
    assert world.books_balance()


def test_a_round_run_again_reads_the_offers_too(world: SmallWorld) -> None:
    """After an exclusion the whole market is built anew, and still from what was sealed."""
    world.proposed()
    state(world, attributes=("evening",), first_appointment_days=None)
    world.leave_out("bulk").run_round()
    assert (said_in(world)["attributes"], said_in(world)["first_appointment_days"]) == (["step_free"], 14)


def test_the_figures_stay_with_what_was_offered(world: SmallWorld) -> None:
    """Quality, fairness and days to the first appointment of what was awarded do not follow the profile."""
    world.proposed().accept().confirm()

    def figures() -> tuple[object, ...]:
        counted = counted_tenders(world.session)
        assert len(counted) == 1
        today = world.now.date()
        return (
            quality(world.session, counted),
            access(world.session, counted).wait,
            fairness(world.session, counted, today),
        )

    before = figures()
    rate(world, "bulk", "Inadequate")
    with writing(world.session):
        said = replace(STATED, name="bulk clinic", first_appointment_days=300)
        sites.state_site(world.session, world.now, world.provider("bulk"), site_of(world, "bulk").id, said)
    assert figures() == before


def test_sealed_again_it_says_what_stands(world: SmallWorld) -> None:
    """Before the deadline a new version, and after an amendment the offer made anew, carry the changed profile."""
    world.draft().agree().publish()
    world.offer("near", (0, 5_000))
    state(world, attributes=("evening",), name="Near the river")
    first = offers.read_own(world.session, world.provider("near"), world.tender.offers[0].id)[1]
    assert (first.name, first.attributes) == ("near clinic", ("step_free",))
    world.offer("near", (0, 5_000))
    with writing(world.session):
        amendments.change(
            world.session,
            world.now,
            world.broking,
            world.tender.id,
            policy=replace(world.policy, pence_per_km=40),
            offers_due_at=world.tender.offers_due_at.replace(hour=23),
            text="Distance counts for more.",
        )
    world.agree()
    state(world, attributes=("weekend",), name="Near the river")
    world.offer("near", (0, 5_000))
    world.later(days=15).run_round()
    assert said_in(world)["attributes"] == ["weekend"]
    kept = world.session.scalars(select(Offer).order_by(Offer.version)).all()
    assert [offer.status for offer in kept] == [OfferStatus.REPLACED, OfferStatus.VOID, OfferStatus.STANDING]
    assert len({offer.receipt_sha256 for offer in kept}) == 3


def test_a_provider_states_its_own_sites_only(world: SmallWorld) -> None:
    """To another provider the site does not exist; nobody else may; a change is noted, none is not."""
    cases: list[tuple[Actor, type[DomainError]]] = [
        (world.provider("far"), NotFound),
        (world.funder, NotAllowed),
        (world.broking, NotAllowed),
    ]
    for actor, error in cases:
        with pytest.raises(error):
            state(world, actor, name="Mine")
    events = select(AuditEvent).where(AuditEvent.event == "provider.site_stated")
    state(world)
    assert world.session.scalars(events).all() == []
    assert state(world, attributes=("weekend", "evening")).attributes == ["evening", "weekend"]
    (event,) = world.session.scalars(events)
    assert event.about_id == world.providers["near"].id
    assert set(event.facts) == {"site", "facts_sha256"}
    with pytest.raises(Invalid) as refused:
        state(world, services=("physiotherapy", "magic"))
    assert refused.value.place == "services"
    assert site_of(world).services == ["physiotherapy"]


def test_two_places_have_two_names(world: SmallWorld) -> None:
    """A provider cannot give a place the name of another of its own, however it is written."""
    with writing(world.session):
        details = SiteDetails("Mill", "LN1", 497_000, 371_000, ("physiotherapy",))
        mill = people.add_site(world.session, world.now, world.funder, world.providers["near"].id, details)
    with pytest.raises(Conflict), writing(world.session):
        sites.state_site(
            world.session, world.now, world.provider("near"), mill.id, replace(STATED, name="Near CLINIC ")
        )


def test_own_evidence_is_no_rating(world: SmallWorld) -> None:
    """It is for unrated sites, goes with the offer, leaves the grade at 0, and gives way to a rating."""
    said = {"own_evidence": "Nine of ten walked further.", "own_evidence_date": date(2026, 2, 1)}
    with pytest.raises(Invalid, match="published rating"):
        state(world, **said)
    rate(world, "near", "Inspected but not rated")
    assert state(world, **said).grade == 0
    world.proposed()
    near = next(offer for offer in world.tender.offers if offer.provider_id == world.providers["near"].id)
    assert said_in(world).get("grade", 0) == near.grade == 0
    assert sites.facts_said(near).own_evidence == said["own_evidence"]
    rate(world, "near", "Good")
    assert sites.facts_of(site_of(world)).own_evidence is None
    assert sites.facts_said(near).own_evidence == said["own_evidence"]


def test_a_rating_is_the_commissioners(world: SmallWorld) -> None:
    """With a word of the regulator's, its day, and a reason; the provider is told."""
    with pytest.raises(NotAllowed):
        rate(world, "near", "Outstanding", world.provider("near"))
    with pytest.raises(Invalid, match="as published"):
        rate(world, "near", "Splendid")
    with pytest.raises(Invalid, match="nothing would change"), writing(world.session):
        sites.change_rating(
            world.session,
            world.now,
            world.funder,
            site_of(world).id,
            rating=site_of(world).rating,
            rating_date=site_of(world).rating_date,
            reason=REASON,
        )
    published = date(2026, 3, 1)
    for rating_date, reason, place in (
        (None, REASON, "rating_date"),
        (date(2026, 3, 3), REASON, "rating_date"),
        (published, " ", "reason"),
    ):
        with pytest.raises(Invalid) as refused, writing(world.session):
            sites.change_rating(
                world.session,
                world.now,
                world.funder,
                site_of(world).id,
                rating="Good",
                rating_date=rating_date,
                reason=reason,
            )
        assert refused.value.place == place
    assert told(world, "rating_changed") == []
    assert (rate(world, "near", "Inadequate").grade, site_of(world).rating_reason) == (1, REASON)
    assert told(world, "rating_changed") == [world.providers["near"].id]
    assert rate(world, "near", None).rating_date is None


def test_a_rating_that_fell_is_grounds_to_leave_an_offer_out(world: SmallWorld) -> None:
    """Not before a proposal names it, and not while the rating is no worse than the offer says. Then: a new round."""
    world.draft().agree().publish().three_offers().later(days=15)
    rate(world, "bulk", "Inadequate")
    leave_out = partial(world.leave_out, "bulk", "It is Inadequate now.", ExclusionCode.RATING_FELL)
    with pytest.raises(Invalid, match="worse"):
        leave_out()
    assert told(world, "rating_fell") == []
    world.run_round()
    assert set(world.providers_by_patient().values()) == {"bulk"}
    rate(world, "bulk", "Outstanding")
    with pytest.raises(Invalid, match="worse"):
        leave_out()
    rate(world, "bulk", "Requires improvement")
    assert told(world, "rating_fell") == [world.broker.id]
    leave_out()
    world.run_round()
    assert world.tender.status is TenderStatus.PROPOSED
    assert "bulk" not in world.providers_by_patient().values()
    assert world.books_balance()


def test_a_closed_site_offers_nothing_new(world: SmallWorld) -> None:
    """What is sealed stands, is awarded and delivered; new offers and statements are refused until it reopens."""
    world.draft().agree().publish().three_offers()
    with writing(world.session):
        sites.close_site(world.session, world.now, world.funder, site_of(world, "bulk").id, "The lease has ended.")
    assert told(world, "site_closed") == [world.providers["bulk"].id]
    with pytest.raises(Invalid) as refused:
        world.offer("bulk", (0, 5_000))
    assert refused.value.place == "site_id"
    with pytest.raises(WrongState), writing(world.session):
        sites.close_site(world.session, world.now, world.funder, site_of(world, "bulk").id, "Again.")
    with pytest.raises(WrongState), writing(world.session):
        sites.state_site(world.session, world.now, world.provider("bulk"), site_of(world, "bulk").id, STATED)
    world.later(days=15).run_round().accept().confirm().later(days=20)
    contracts = world.session.scalars(select(Contract)).all()
    assert {contract.site_id for contract in contracts} == {site_of(world, "bulk").id}
    world.sign(1).deliver(1)
    with writing(world.session):
        sites.reopen_site(world.session, world.now, world.funder, site_of(world, "bulk").id)
    assert (site_of(world, "bulk").closed_at, site_of(world, "bulk").closed_reason) == (None, None)
    with pytest.raises(WrongState), writing(world.session):
        sites.reopen_site(world.session, world.now, world.funder, site_of(world, "bulk").id)
    with pytest.raises(NotAllowed), writing(world.session):
        sites.close_site(world.session, world.now, world.provider("bulk"), site_of(world, "bulk").id, "Mine.")
    assert world.books_balance()


def test_whoever_could_offer_is_told_of_a_new_tender(world: SmallWorld) -> None:
    """A site with the service, open and of a provider that may offer; each provider once."""
    told = select(Message.party_id).where(Message.template == "tender_to_offer")
    state(world, services=("physiotherapy",))
    with writing(world.session):
        world.session.add(
            Service(
                id="reading",
                name="Reading",
                unit="hour",
                reference_pence=1,
                conventional_pence=1,
                private_pence=1,
                source="test",
            )
        )
        site_of(world, "far").services = ["reading"]
        conduct.suspend(
            world.session, world.now, world.funder, Provider, world.providers["bulk"].id, "Not paid its staff."
        )
    world.draft().agree().publish()
    assert world.session.scalars(told).all() == [world.providers["near"].id]


def test_a_provider_three_counties_away_is_not_told_of_every_tender(world: SmallWorld) -> None:
    """Patients go 20 km: who is 12 km away is told, who is 100 km away with the same service is not, but may offer."""
    with writing(world.session):
        site_of(world, "bulk").easting_m += 100_000
    world.draft().agree().publish()
    told = set(world.session.scalars(select(Message.party_id).where(Message.template == "tender_to_offer")))
    assert told == {world.providers[name].id for name in ("near", "far")}
    assert world.offer("bulk", (0, 5_000)).status is OfferStatus.STANDING
