"""Solve a market: estimate its size, find the pairs, take it apart, solve the parts side by side, write the outcome.

solve -> eligible_pairs -> link_pairs -> parts_of -> (for each part: model_of, solve_part) -> assemble
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from importlib.metadata import version
from time import perf_counter

import numpy as np

from matching.assemble import Why, assemble
from matching.components import Links, Part, link_pairs, parts_of
from matching.conflicts import conflicts_of
from matching.eligibility import Ints, Pairs, count_candidates, eligible_pairs
from matching.errors import MarketTooLarge, MatchingError
from matching.formulation import Model, model_of
from matching.levels import Ask, Control, PartResult, Progress, solve_part
from matching.market import Market, plain
from matching.outcome import Level, Outcome, Termination, gap_permille

DEFAULT_MAX_PAIRS = 2_000_000
"""Laying out 300,000 combinations (25,000 needs, 500 offers) takes 2 seconds and 0.2 GB; solving comes on top."""
ENGINE_VERSION = "1"
"""Changes when the same document may give other bytes."""


@dataclass(frozen=True)
class Request:
    """What does not change from part to part."""

    ask: Ask
    workers: int
    start: Outcome | None


@dataclass(frozen=True)
class Prepared:
    """A market with its pairs and links, ready to be split."""

    market: Market
    pairs: Pairs
    links: Links


def solve(
    market: Market,
    *,
    time_limit_s: float | None = None,
    gap_permille: float = 0.0,
    coverage_gap_permille: float = 0.0,
    workers: int = 1,
    max_pairs: int = DEFAULT_MAX_PAIRS,
    on_progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    start: Outcome | None = None,
) -> Outcome:
    """Match needs to offers: most priority-weighted needs first, then least effective cost.

    Parameters
    ----------
    market
        What to solve.
    time_limit_s
        Seconds after which the best outcome found is returned, with its honest gap. With a limit that strikes, the
        same market may give another outcome on another machine.
    gap_permille, coverage_gap_permille
        Gaps of the cost level and of the coverage level at which to stop; 0 asks for the optimum.
    workers
        How many parts are solved at the same time. The outcome does not depend on it.
    max_pairs
        A market with more combinations to look at is refused before anything is built.
    on_progress
        Called with `Progress` events, from the thread of any part.
    cancelled
        Asked now and then; once it says True, the best outcome found is returned.
    start
        An earlier outcome of this or a similar market, to start from where it still keeps the rules.

    Raises
    ------
    MarketTooLarge
        With the figure and the limit.
    """
    check_asked(time_limit_s, gap_permille, coverage_gap_permille, workers)
    started = perf_counter()
    candidates = count_candidates(market)
    if candidates > max_pairs:
        message = f"{candidates} combinations of needs and offers, above the limit of {max_pairs}: split it or raise it"
        raise MarketTooLarge("too_many_pairs", message, {"pairs": candidates, "max_pairs": max_pairs})
    prepared = prepare(market)
    ask = Ask(gap_permille, coverage_gap_permille)
    deadline = None if time_limit_s is None else started + time_limit_s
    control = Control(started, deadline, cancelled, on_progress)
    built = perf_counter()
    results = _solve_parts(prepared, Request(ask, workers, start), control)
    outcome = outcome_of(prepared, results, ask, control)
    seconds = {"build": round(built - started, 3), "solve": round(perf_counter() - built, 3)}
    return replace(outcome, seconds=seconds)


def check_asked(time_limit_s: float | None, gap: float, coverage_gap: float, workers: int) -> None:
    """Refuse options that mean nothing."""
    if time_limit_s is not None and not 0 <= time_limit_s < float("inf"):
        raise MatchingError("bad_option", "time_limit_s must be 0 or more seconds", {"found": time_limit_s})
    for name, value in (("gap_permille", gap), ("coverage_gap_permille", coverage_gap)):
        if not 0 <= value <= 1000:
            raise MatchingError("bad_option", f"{name} must be between 0 and 1000", {"found": value})
    if workers < 1:
        raise MatchingError("bad_option", "workers must be at least 1", {"found": workers})


def prepare(market: Market) -> Prepared:
    """Find a market's pairs and price them at the tiers."""
    pairs = eligible_pairs(market)
    return Prepared(market, pairs, link_pairs(market, pairs))


def _solve_parts(prepared: Prepared, request: Request, control: Control) -> list[PartResult]:
    """Solve the parts; a shared pool that binds makes the whole market one part.

    Without the pool's row a market falls apart, and nothing is easier to meet with the row than without: if the parts'
    best choices together keep the pool, they are the market's best.
    """
    market = prepared.market
    parts = parts_of(market, prepared.pairs, prepared.links, pooled=False)
    if market.policy.pooling != "shared_pool" or len(parts) < 2:
        return _solve_each([model_of(part) for part in parts], request, control)
    trial = _share_of_time(control, [1, 1], 0, 1)
    results = _solve_each([model_of(part).without(["shared_pool"]) for part in parts], request, trial)
    if sum(headroom_pence(result.model, result.choice) for result in results) >= 0:
        return results
    whole = parts_of(market, prepared.pairs, prepared.links, pooled=True)
    return _solve_each([model_of(part) for part in whole], request, control)


def _solve_each(models: Sequence[Model], request: Request, control: Control) -> list[PartResult]:
    """Solve parts that have nothing in common, so many at a time."""
    weights = [len(model.part.link_pair) for model in models]

    def one(number: int) -> PartResult:
        model = models[number]
        share = _share_of_time(control, weights, number, request.workers)
        begin = None if request.start is None else choice_of(model.part, request.start)
        with closing(share):
            return solve_part(model, request.ask, share, begin)

    if request.workers == 1 or len(models) < 2:
        return [one(number) for number in range(len(models))]
    with ThreadPoolExecutor(min(request.workers, len(models))) as pool:
        return list(pool.map(one, range(len(models))))


def headroom_pence(model: Model, choice: Ints) -> int:
    """Budgets of the matched, less their prices and the fees of the offers in use."""
    part, values = model.part, model.values_of(choice)
    chosen = choice[choice >= 0]
    budgets = int(part.need_budget_pence[part.pair_need[chosen]].sum())
    side = int(part.pair_side_pence[chosen].sum())
    if part.market.policy.unmatched == "reserve":
        side -= int(part.need_reserve_pence[part.pair_need[chosen]].sum())
    return budgets - (int(model.cost_pence @ values) - side)


def _share_of_time(control: Control, weights: Sequence[int], number: int, workers: int) -> Control:
    """Give a part its share of the seconds that are left, by size among those still to come."""
    left = control.seconds_left()
    if left is None:
        return replace(control)
    seconds = left * min(1.0, workers * weights[number] / sum(weights[number:]))
    return Control(control.started, perf_counter() + seconds, control.cancelled, control.on_progress)


def choice_of(part: Part, outcome: Outcome) -> Ints:
    """An earlier outcome's assignments as a choice of a part, where the pairs still exist."""
    offer_of = outcome.offer_of()
    choice = np.full(len(part.need_at), -1)
    needs = [part.market.needs[at].id for at in part.need_at]
    offers = [offer.id for offer in part.offers]
    for pair, (need, offer) in enumerate(zip(part.pair_need.tolist(), part.pair_offer.tolist(), strict=True)):
        if offer_of.get(needs[need]) == offers[offer]:
            choice[need] = pair
    return choice


def outcome_of(prepared: Prepared, results: Sequence[PartResult], ask: Ask, control: Control) -> Outcome:
    """Write the outcome of solved parts."""
    market = prepared.market
    reserve = market.policy.unmatched == "reserve"
    chosen = [result.model.part.pair_at[result.choice[result.choice >= 0]] for result in results]
    stopped = any(result.stopped for result in results)
    conflicts = conflicts_of(market, prepared.pairs, prepared.links, results, control)
    positions = np.concatenate([np.zeros(0, dtype=np.int64), *chosen])
    settled = assemble(market, prepared.pairs, prepared.links, positions, Why(conflicts, stopped=stopped))
    outside = _reserve_outside(market, results) if reserve else 0
    coverage = sum(result.coverage for result in results)
    cost = outside + sum(result.cost_pence for result in results)
    cost_bound = outside + sum(result.cost_bound_pence for result in results)
    coverage_bound = None if reserve else sum(result.coverage_bound or 0 for result in results)
    levels = {
        "coverage": _level(coverage, coverage_bound),
        "effective_cost": _level(cost, cost_bound),
    }
    return Outcome(
        termination=_termination(levels, ask, control, stopped=stopped, matched=bool(settled.assignments)),
        market_sha256=market.sha256,
        policy=plain(market.policy),
        seed=market.policy.seed,
        versions={"matching": ENGINE_VERSION, "ortools": version("ortools")},
        seconds={},
        coverage=levels["coverage"],
        effective_cost=levels["effective_cost"],
        awards=settled.awards,
        assignments=settled.assignments,
        unmatched=settled.unmatched,
    )


def _reserve_outside(market: Market, results: Sequence[PartResult]) -> int:
    """The reserves of needs that no part holds, since nobody can serve them."""
    inside = {int(at) for result in results for at in result.model.part.need_at}
    return sum(need.reserve_pence or 0 for at, need in enumerate(market.needs) if at not in inside)


def _level(value: int, bound: int | None) -> Level:
    return Level(value, bound, None if bound is None else gap_permille(value, bound))


def _termination(levels: dict[str, Level], ask: Ask, control: Control, *, stopped: bool, matched: bool) -> Termination:
    """Say why the search ended, from the bounds and never from the solver's own word."""
    coverage, cost = levels["coverage"], levels["effective_cost"]
    gaps = [level.gap_permille for level in (coverage, cost) if level.gap_permille is not None]
    if all(gap == 0 for gap in gaps):
        return Termination.OPTIMAL if matched else Termination.NOTHING_MATCHED
    if control.cancelled is not None and stopped and control.cancelled():
        return Termination.CANCELLED
    reached = (cost.gap_permille or 0) <= ask.gap_permille and (coverage.gap_permille or 0) <= ask.coverage_gap_permille
    return Termination.WITHIN_GAP if reached else Termination.LIMIT_REACHED
