"""What a commissioner enters of a place: the day of its rating is no day to come, and a place can move."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from marketplace.journey import claims, people, sites
from marketplace.journey.audit_trail import events_for
from marketplace.journey.moved_places import too_far_for
from marketplace.journey.people import SiteDetails
from marketplace.records.audit import AuditEvent
from marketplace.records.database import writing
from marketplace.records.offers import ExclusionCode
from marketplace.records.outbox import Message
from marketplace.records.providers import Site
from marketplace.rules.errors import Invalid, NotAllowed, NotFound
from marketplace.rules.permissions import Actor
from tests.worlds import SmallWorld

MILL = SiteDetails("The Mill", "LN1", 497_000, 371_000, ("physiotherapy",), (), "Good", date(2026, 3, 2), 3)
REASON = "Its lease has ended."
FAR_AWAY = ("PE25", 556_000, 363_000)
FIGURES_ON = date(2026, 4, 10)


def admit(world: SmallWorld, details: SiteDetails) -> object:
    return people.approve_provider(world.session, world.now, world.funder, "Mill Physio", [details])


def add(world: SmallWorld, details: SiteDetails) -> object:
    return people.add_site(world.session, world.now, world.funder, world.providers["near"].id, details)


def rate(world: SmallWorld, details: SiteDetails) -> object:
    site = world.providers["near"].sites[0]
    said = {"rating": details.rating, "rating_date": details.rating_date, "reason": REASON}
    return sites.change_rating(world.session, world.now, world.funder, site.id, **said)


def move(
    world: SmallWorld,
    name: str = "bulk",
    actor: Actor | None = None,
    reason: str = REASON,
    place: tuple[str, int, int] = FAR_AWAY,
) -> Site:
    district, easting_m, northing_m = place
    site = world.providers[name].sites[0]
    with writing(world.session):
        return sites.move_site(
            world.session,
            world.now,
            actor or world.funder,
            site.id,
            district=district,
            easting_m=easting_m,
            northing_m=northing_m,
            reason=reason,
        )


def told(world: SmallWorld, template: str) -> set[str]:
    return set(world.session.scalars(select(Message.party_id).where(Message.template == template)))


@pytest.mark.parametrize("step", [admit, add, rate])
def test_a_rating_is_of_today_or_of_a_day_before(world: SmallWorld, step: Callable) -> None:
    """Whichever way it comes in: of tomorrow, or of no day at all, it is refused at its field."""
    tomorrow = world.now.date() + timedelta(days=1)
    for day in (tomorrow, None):
        with pytest.raises(Invalid, match="today, or a day before") as refused, writing(world.session):
            step(world, replace(MILL, rating_date=day))
        assert refused.value.place.endswith("rating_date")
    with writing(world.session):
        assert step(world, replace(MILL, rating_date=world.now.date()))


def test_without_a_rating_there_is_no_day_of_it(world: SmallWorld) -> None:
    """Nothing was published on it."""
    with writing(world.session):
        add(world, replace(MILL, rating=None, grade=0))
    assert world.session.scalars(select(Site.rating_date).where(Site.name == MILL.name)).one() is None


def test_a_place_moves_and_sealed_offers_keep_what_they_said(world: SmallWorld) -> None:
    """Whoever was matched with it or has a contract there is told, and so are the provider and the broker; once."""
    world.proposed()
    before = next(offer for offer in world.tender.offers if offer.provider_id == world.providers["bulk"].id)
    said = sites.facts_said(before)
    site = move(world)
    assert (site.district, site.easting_m, site.northing_m) == FAR_AWAY
    assert (site.moved_at, site.moved_reason) == (world.now, REASON)
    assert sites.facts_said(before) == said
    assert sites.facts_of(site).district == "PE25"
    assert told(world, "site_moved") == {world.providers["bulk"].id}
    assert told(world, "offered_place_moved") == {world.broker.id}
    assert told(world, "place_moved") == {patient.id for patient in world.patients}
    [event] = world.session.scalars(events_for(world.funder).where(AuditEvent.event == "provider.site_moved"))
    assert (event.about_id, dict(event.facts)) == (site.provider_id, {"site": site.id})
    move(world, "near")
    assert len(world.session.scalars(select(Message).where(Message.template == "place_moved")).all()) == len(
        world.patients
    )


def test_who_has_a_contract_at_a_place_that_moves_is_told(world: SmallWorld) -> None:
    """As long as it is in force; the broker has nothing to decide any more."""
    world.awarded()
    move(world)
    assert told(world, "place_moved") == {patient.id for patient in world.patients}
    assert told(world, "offered_place_moved") == set()
    assert world.books_balance()


def test_another_district_alone_is_a_move(world: SmallWorld) -> None:
    """Whoever is told that a place moved finds it on the page, though the point on the map is the same."""
    world.proposed()
    site = world.providers["bulk"].sites[0]
    move(world, place=("LN2", site.easting_m, site.northing_m))
    assert told(world, "place_moved") == {patient.id for patient in world.patients}
    offer = world.match(1).award.offer
    assert (sites.has_moved(offer), sites.facts_said(offer).district) == (True, "LN1")


def test_published_figures_stay_when_a_place_moves(world: SmallWorld) -> None:
    """How far people go is what their match said: a second look after a move names nobody by the difference."""
    world.awarded()
    before = claims.all_claims(world.session, FIGURES_ON)
    assert before.access.distance.now == (12, 0, 0, 0, 0)
    world.session.rollback()
    move(world)
    after = claims.all_claims(world.session, FIGURES_ON)
    assert (after.access, after.fairness) == (before.access, before.fairness)


def test_a_move_is_the_commissioners_and_has_a_reason(world: SmallWorld) -> None:
    """Not the provider's, not to where the place is, not of a place that nobody knows."""
    with pytest.raises(NotAllowed):
        move(world, actor=world.provider("bulk"))
    with pytest.raises(Invalid, match="Write why") as refused:
        move(world, reason=" ")
    assert refused.value.place == "reason"
    move(world)
    with pytest.raises(Invalid, match="nothing would change"):
        move(world)
    with pytest.raises(NotFound), writing(world.session):
        sites.move_site(
            world.session, world.now, world.funder, "none", district="LN1", easting_m=1, northing_m=1, reason=REASON
        )


def test_a_place_too_far_for_somebody_matched_is_grounds_to_leave_its_offer_out(world: SmallWorld) -> None:
    """Not before a proposal, not for a move within reach, not for who said no. Then: a new round."""
    world.draft().agree().publish().three_offers().later(days=15)
    bulk = next(offer for offer in world.tender.offers if offer.provider_id == world.providers["bulk"].id)

    def refused() -> None:
        with pytest.raises(Invalid, match="too far for somebody") as error:
            world.leave_out("bulk", "It is by the sea now.", ExclusionCode.PLACE_TOO_FAR)
        assert error.value.place == "code"
        world.session.rollback()

    move(world)
    refused()
    world.run_round()
    assert set(world.providers_by_patient().values()) == {"bulk"}
    move(world, place=("LN2", 500_000, 375_000))
    refused()
    move(world)
    assert too_far_for(world.session, world.tender.id, world.tender.offers) == {bulk.id: 12}
    world.decline(1)
    assert too_far_for(world.session, world.tender.id, world.tender.offers) == {bulk.id: 11}
    world.leave_out("bulk", "It is by the sea now.", ExclusionCode.PLACE_TOO_FAR).run_round()
    assert "bulk" not in world.providers_by_patient().values()
    assert world.books_balance()


def test_who_can_go_as_far_as_it_takes_is_no_ground(world: SmallWorld) -> None:
    """Somebody without a limit can be served at the new place."""
    world.proposed()
    move(world)
    with writing(world.session):
        for number in range(1, 13):
            world.plan_line(number).max_distance_m = None
    assert too_far_for(world.session, world.tender.id, world.tender.offers).total() == 0


@pytest.mark.parametrize(("aside_m", "too_far"), [(100, 0), (127, 1)])
def test_too_far_is_measured_in_whole_metres_as_the_match_measures(
    world: SmallWorld, aside_m: int, too_far: int
) -> None:
    """A place 8,000.6 metres away is 8,000 for the match, and so it is here; one metre more is too far."""
    world.proposed()
    patient = world.patients[0]
    move(world, place=("LN1", patient.easting_m + 8000, patient.northing_m + aside_m))
    bulk = next(offer for offer in world.tender.offers if offer.provider_id == world.providers["bulk"].id)
    with writing(world.session):
        for number in range(1, 13):
            world.plan_line(number).max_distance_m = 8000 if number == 1 else None
    assert too_far_for(world.session, world.tender.id, [bulk])[bulk.id] == too_far
