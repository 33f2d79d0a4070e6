"""Parts: what has nothing in common is solved apart, and what has stays together."""

from dataclasses import replace

from matching import Market
from matching.components import parts_of
from matching.generate import generate_market
from matching.solve import prepare, solve
from tests.matching.markets import line, market, need, offer, solved

TWO = [{"id": "b1"}, {"id": "b2"}]
NEEDS = [need("n1"), need("n2", bundle="b2")]


def sizes(made: Market, *, pooled: bool = False) -> list[int]:
    prepared = prepare(made)
    return sorted(len(part.need_at) for part in parts_of(made, prepared.pairs, prepared.links, pooled=pooled))


def test_two_bundles_with_offers_of_their_own_are_two_parts() -> None:
    assert sizes(market(NEEDS, [offer("o1"), offer("o2", bundle="b2")], bundles=TWO)) == [1, 1]


def test_an_offer_on_both_ties_them() -> None:
    lines = [line("b1", (0, 5_000)), line("b2", (0, 5_000))]
    assert sizes(market(NEEDS, [offer("o1", lines=lines)], bundles=TWO)) == [2]


def test_a_providers_limit_ties_its_offers() -> None:
    offers = [offer("o1", provider="p1"), offer("o2", provider="p1", bundle="b2")]
    assert sizes(market(NEEDS, offers, bundles=TWO)) == [1, 1]
    assert sizes(market(NEEDS, offers, bundles=TWO, limits={"p1": 99})) == [2]


def test_an_exclusive_group_ties_its_offers() -> None:
    offers = [offer("o1", provider="p1", exclusive="x"), offer("o2", provider="p1", bundle="b2", exclusive="x")]
    assert sizes(market(NEEDS, offers, bundles=TWO)) == [2]


def test_a_bundles_own_rule_ties_its_offers() -> None:
    needs = [need("n1", requires=["a"]), need("n2", requires=["b"])]
    offers = [offer("o1", attributes=["a"]), offer("o2", attributes=["b"])]
    assert sizes(market(needs, offers)) == [1, 1]
    assert sizes(market(needs, offers, bundles=[{"id": "b1", "max_share_permille": 600}])) == [2]


def test_who_nobody_can_serve_is_in_no_part() -> None:
    assert sizes(market([*NEEDS, need("n3", min_grade=4)], [offer("o1")], bundles=TWO)) == [1]


def test_the_sum_of_parts_is_the_whole() -> None:
    """A pool that never binds gives what the parts give."""
    made = generate_market(bundles=2, needs_per_bundle=8, offers_per_bundle=2, package_permille=0, seed=8)
    assert len(sizes(made)) > 1
    parts = solve(made)
    assert parts.coverage.value == sum(solve(_only(made, bundle.id)).coverage.value for bundle in made.bundles)
    assert solved(made).effective_cost == parts.effective_cost


def _only(made: Market, bundle: str) -> Market:
    needs = tuple(one for one in made.needs if one.bundle == bundle)
    return replace(made, needs=needs, offers=tuple(o for o in made.offers if o.lines[0].bundle == bundle))
