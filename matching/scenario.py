"""What if: a market with rules left out, weights moved, somebody absent or budgets scaled, beside what came out.

    apply(market, scenario) -> Market           the changed market, a market of its own
    compare(market, outcome, scenario) -> ...   solved from the present outcome, and the difference
    price_of_rules(market, outcome) -> ...      the same for every side rule that the market states

A scenario's document is scenario/1: `{"format": "scenario/1", "name": "…", "without_rules": ["provider_share"],
"weights_permille": {"pence_per_km": 2000}, "weights_pence": {"pence_per_change": 500}, "without_offers": [],
"without_providers": [], "budgets_permille": 1100, "pooling": "shared_pool"}`. A weight is either scaled or set anew.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from matching.errors import DocumentError
from matching.explain import check_same
from matching.market import MAX_WEIGHT_PENCE, POOLINGS, WEIGHTS, Bundle, Market, Need, Offer
from matching.outcome import Outcome
from matching.reading import Record, Source, load
from matching.solve import solve

MAX_SCALE_PERMILLE = 100_000


@dataclass(frozen=True)
class Scenario:
    """One question: what is left out, moved or scaled."""

    name: str
    without_rules: tuple[str, ...] = ()
    weights_permille: tuple[tuple[str, int], ...] = ()
    without_offers: tuple[str, ...] = ()
    without_providers: tuple[str, ...] = ()
    budgets_permille: int = 1000
    weights_pence: tuple[tuple[str, int], ...] = ()
    pooling: str | None = None

    def document(self) -> dict[str, Any]:
        """Write it as scenario/1, what is asked and no more; `read_scenario` reads it back."""
        asked = {
            "without_rules": list(self.without_rules),
            "weights_permille": dict(self.weights_permille),
            "weights_pence": dict(self.weights_pence),
            "without_offers": list(self.without_offers),
            "without_providers": list(self.without_providers),
            "budgets_permille": None if self.budgets_permille == 1000 else self.budgets_permille,
            "pooling": self.pooling,
        }
        return {"format": "scenario/1", "name": self.name} | {
            name: value for name, value in asked.items() if value is not None and value not in ([], {})
        }


@dataclass(frozen=True)
class Moved:
    """A need whose provider, or whose being matched, differs (None: unmatched)."""

    need: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Comparison:
    """A scenario's outcome beside the present one; differences are scenario minus present.

    `proven` says that both outcomes are optimal; else the differences are known to the gaps of `after` and the
    present outcome only.
    """

    scenario: Scenario
    market: Market
    after: Outcome
    coverage: int
    matched: int
    effective_cost_pence: int
    charges_pence: int
    providers_gained: tuple[str, ...]
    providers_lost: tuple[str, ...]
    moved: tuple[Moved, ...]
    proven: bool


def _bundles(**fields: Any) -> Callable[[Market], Market]:
    def change(market: Market) -> Market:
        def without(bundle: Bundle) -> Bundle:
            return replace(bundle, **fields)

        return replace(market, bundles=tuple(without(bundle) for bundle in market.bundles))

    return change


def _needs(**fields: Any) -> Callable[[Market], Market]:
    def change(market: Market) -> Market:
        return replace(market, needs=tuple(replace(need, **fields) for need in market.needs))

    return change


def _offers(**fields: Any) -> Callable[[Market], Market]:
    def change(market: Market) -> Market:
        return replace(market, offers=tuple(replace(offer, **fields) for offer in market.offers))

    return change


def _lines(**fields: Any) -> Callable[[Market], Market]:
    def change(market: Market) -> Market:
        def without(offer: Offer) -> Offer:
            return replace(offer, lines=tuple(replace(line, **fields) for line in offer.lines))

        return replace(market, offers=tuple(without(offer) for offer in market.offers))

    return change


def _without_grade(market: Market) -> Market:
    return _needs(min_grade=0)(_bundles(min_grade=0)(market))


def _without_distance(market: Market) -> Market:
    return _needs(max_distance_m=None)(_offers(max_distance_m=None)(market))


def _without_provider_capacity(market: Market) -> Market:
    return replace(market, providers=tuple(replace(provider, max_units=None) for provider in market.providers))


SIDE_RULES: dict[str, Callable[[Market], Market]] = {
    "provider_count": _bundles(min_providers=0, max_providers=None),
    "provider_share": _bundles(max_share_permille=None),
    "bundle_quality": _bundles(target_grade_permille=0),
    "exclusive_offers": _offers(exclusive=None),
    "keep_provider": _needs(keep_provider=False),
    "minimum_volume": _offers(min_units=0),
    "line_minimum": _lines(min_units=0),
    "capacity": _offers(max_units=None),
    "line_capacity": _lines(max_units=None),
    "provider_capacity": _without_provider_capacity,
    "distance": _without_distance,
    "grade": _without_grade,
    "attribute": _needs(requires=()),
    "wait": _needs(max_wait_days=None),
    "excluded": _needs(excludes=()),
}
"""What can be left out by name: the market without that rule."""
POLICY_RULES = ("provider_count", "provider_share", "bundle_quality", "exclusive_offers", "keep_provider")
"""The rules that are a choice of broker or patient, and so have a price to know."""


def read_scenario(source: Source) -> Scenario:
    """Read a scenario/1 document.

    Raises
    ------
    DocumentError
        With the place and the remedy.
    """
    record = Record(load(source), "")
    record.choice("format", ["scenario/1"])
    scenario = Scenario(
        name=record.text_or("name", "scenario"),
        without_rules=record.texts("without_rules"),
        weights_permille=_weights(record, "weights_permille", MAX_SCALE_PERMILLE),
        without_offers=record.texts("without_offers"),
        without_providers=record.texts("without_providers"),
        budgets_permille=record.whole_or("budgets_permille", 1000, maximum=MAX_SCALE_PERMILLE),
        weights_pence=_weights(record, "weights_pence", MAX_WEIGHT_PENCE),
        pooling=record.choice("pooling", POOLINGS) if record.has("pooling") else None,
    )
    record.close()
    _check_names(scenario.without_rules, SIDE_RULES, "without_rules")
    return scenario


def _weights(record: Record, place: str, maximum: int) -> tuple[tuple[str, int], ...]:
    moved = record.record_or_empty(place)
    found = [(name, moved.optional_whole(name, maximum=maximum)) for name in WEIGHTS]
    moved.close()
    return tuple((name, value) for name, value in found if value is not None)


def _check_names(names: Iterable[str], known: Iterable[str], place: str) -> None:
    for name in names:
        if name not in known:
            message = f"{name!r} is not known: choose from {', '.join(sorted(known))}"
            raise DocumentError("unknown_reference", place, message, {"name": name})


def apply(market: Market, scenario: Scenario) -> Market:
    """Change a market as a scenario says.

    Raises
    ------
    DocumentError
        If the scenario names an offer or provider that the market does not have.
    """
    _check_names(scenario.without_rules, SIDE_RULES, "without_rules")
    _check_names(scenario.without_offers, market.offer_by_id, "without_offers")
    _check_names(scenario.without_providers, market.provider_by_id, "without_providers")
    for rule in scenario.without_rules:
        market = SIDE_RULES[rule](market)
    gone = {
        offer.id
        for offer in market.offers
        if offer.id in scenario.without_offers or offer.provider in scenario.without_providers
    }
    if gone:
        pairs = None if market.pairs is None else tuple(pair for pair in market.pairs if pair.offer not in gone)
        market = replace(market, offers=tuple(one for one in market.offers if one.id not in gone), pairs=pairs)
    market = _reweighted(market, scenario)
    if scenario.pooling is not None:
        market = replace(market, policy=replace(market.policy, pooling=scenario.pooling))
    if scenario.budgets_permille == 1000:
        return market

    def scaled(need: Need) -> Need:
        return replace(need, budget_pence=need.budget_pence * scenario.budgets_permille // 1000)

    return replace(market, needs=tuple(scaled(need) for need in market.needs))


def _reweighted(market: Market, scenario: Scenario) -> Market:
    """Move the policy's weights, and the patients' own in proportion, so that they stay within the published bounds.

    A patient's own weight of what had no published price gives way to the new one: nothing was chosen there.
    """
    old = {name: getattr(market.policy, name) for name in WEIGHTS}
    new = {name: old[name] * permille // 1000 for name, permille in scenario.weights_permille}
    new |= dict(scenario.weights_pence)
    if not new:
        return market
    low, high = market.policy.weight_bounds_permille

    def scaled(need: Need) -> Need:
        weights = dict(need.weights)
        for name in new.keys() & weights.keys():
            own = weights.pop(name)
            if old[name]:
                least, most = -(-low * new[name] // 1000), high * new[name] // 1000
                weights[name] = max(least, min(most, own * new[name] // old[name]))
        return replace(need, weights=weights)

    return replace(market, policy=replace(market.policy, **new), needs=tuple(scaled(need) for need in market.needs))


def compare(market: Market, outcome: Outcome, scenario: Scenario, **options: Any) -> Comparison:
    """Solve the changed market, starting from the present outcome, and say what differs.

    Parameters
    ----------
    market, outcome
        What was solved.
    scenario
        What to change.
    options
        As for `solve`.

    Raises
    ------
    QuestionError
        If the outcome is of another market.
    """
    check_same(market, outcome)
    changed = apply(market, scenario)
    after = solve(changed, start=outcome, **options)
    before_of, after_of = _providers(market, outcome), _providers(changed, after)
    needs = sorted(before_of.keys() | after_of.keys())
    moved = [Moved(need, before_of.get(need), after_of.get(need)) for need in needs]
    used, now_used = set(before_of.values()), set(after_of.values())
    return Comparison(
        scenario=scenario,
        market=changed,
        after=after,
        coverage=after.coverage.value - outcome.coverage.value,
        matched=len(after.assignments) - len(outcome.assignments),
        effective_cost_pence=after.effective_cost.value - outcome.effective_cost.value,
        charges_pence=_charges(after) - _charges(outcome),
        providers_gained=tuple(sorted(now_used - used)),
        providers_lost=tuple(sorted(used - now_used)),
        moved=tuple(move for move in moved if move.before != move.after),
        proven=not any(_open(one) for one in (outcome, after)),
    )


def stated_rules(market: Market) -> tuple[str, ...]:
    """The side rules that a market states: leaving out any other changes nothing."""
    return tuple(name for name, without in SIDE_RULES.items() if without(market) != market)


def price_of_rules(market: Market, outcome: Outcome, **options: Any) -> list[Comparison]:
    """Leave out each side rule that the market states, one at a time: what it costs in coverage and money."""
    stated = [name for name in stated_rules(market) if name in POLICY_RULES]
    return [compare(market, outcome, Scenario(f"without {name}", (name,)), **options) for name in stated]


def _providers(market: Market, outcome: Outcome) -> dict[str, str]:
    return {row.need: market.offer_by_id[row.offer].provider for row in outcome.assignments}


def _charges(outcome: Outcome) -> int:
    return sum(row.charge_pence for row in outcome.assignments)


def _open(outcome: Outcome) -> bool:
    return bool(outcome.effective_cost.gap_permille or outcome.coverage.gap_permille)
