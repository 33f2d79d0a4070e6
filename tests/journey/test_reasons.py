"""What is kept of why somebody was matched as they were: one thing for each other offer, with its own figures."""

from marketplace.journey.reasons import AS_GOOD, COST
from marketplace.rules.tendering import Policy
from tests.worlds import SmallWorld


def told(world: SmallWorld, number: int = 1) -> dict[str, dict[str, object]]:
    """The reasons kept with a patient's match, by offer."""
    return {row["offer"]: row for row in (world.match(number).reasons or {})["alternatives"]}


def test_what_is_dearer_in_all_keeps_its_largest_part(world: SmallWorld) -> None:
    """Nearer and of the same grade, but at £10.00 more for each of ten sessions: the price counted most."""
    world.draft().agree().publish()
    near = world.offer("near", (0, 5_900)).id
    world.offer("bulk", (0, 4_900))
    world.later(days=15).run_round()
    assert set(world.providers_by_patient().values()) == {"bulk"}
    row = told(world)[near]
    assert (row["rule"], row["value"]) == (COST, 10_000 - 1_200)
    assert row["largest"] == {"part": "price", "pence": 10_000, "value": None, "limit": None}


def test_at_the_same_price_the_way_is_what_counts(world: SmallWorld) -> None:
    """Both distances are kept, as they were weighed."""
    world.draft().agree().publish()
    world.offer("near", (0, 5_000))
    bulk = world.offer("bulk", (0, 5_000)).id
    world.later(days=15).run_round()
    assert world.providers_by_patient()[1] == "near"
    assert told(world)[bulk]["largest"] == {"part": "travel", "pence": 1_200, "value": 4_900, "limit": 900}


def test_a_tie_is_told_as_one(world: SmallWorld) -> None:
    """Where price is all that counts and both ask the same, the draw decided."""
    world.draft(Policy()).agree().publish()
    offers = {world.offer(name, (0, 5_000)).id for name in ("near", "bulk")}
    world.later(days=15).run_round()
    (row,) = told(world).values()
    assert row["offer"] in offers
    assert (row["rule"], "largest" in row) == (AS_GOOD, False)
