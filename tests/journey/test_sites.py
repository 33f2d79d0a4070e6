"""What an offer says of its place is what the place was when it was sealed, in the round and in the rematch."""

from datetime import date

from marketplace.journey import rounds
from marketplace.records.database import writing
from tests.worlds import SmallWorld


def test_an_attribute_added_after_the_deadline_changes_nothing(world: SmallWorld) -> None:
    """Patient 1 needs evenings: nobody offered them by the deadline, so a late word of them matches nobody."""
    with writing(world.session):
        world.plan_line(1).requires = ["evening"]
    world.draft().agree().publish().three_offers().later(days=15)
    with writing(world.session):
        site = world.providers["near"].sites[0]
        site.attributes = ["evening", "step_free"]
        site.first_appointment_days, site.grade, site.rating, site.rating_date = 1, 4, "Outstanding", date(2026, 3, 1)
        site.easting_m -= 1000
    world.run_round()
    row = rounds.latest_round(world.session, world.tender.id)
    assert row is not None
    said = next(offer for offer in row.market["offers"] if offer["provider"] == world.providers["near"].id)
    assert (said["attributes"], said["first_appointment_days"], said["grade"]) == (["step_free"], 14, 3)
    assert 1 not in world.providers_by_patient()
    world.decline(2).rematch()
    assert 1 not in world.providers_by_patient()
    assert world.books_balance()
