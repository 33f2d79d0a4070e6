"""Solve a market: estimate its size, find the pairs, take it apart, solve the parts side by side, write the outcome.

solve -> eligible_pairs -> link_pairs -> parts_of -> (for each part: model_of, solve_part) -> assemble
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from time import perf_counter

import numpy as np

from matching.assemble import Why, assemble
from matching.components import Links, Part, link_pairs, parts_of
from matching.eligibility import Ints, Pairs, count_candidates, eligible_pairs
from matching.errors import MarketTooLarge, MatchingError
from matching.formulation import model_of
from matching.levels import Ask, Control, PartResult, Progress, solve_part
from matching.market import Market, plain
from matching.outcome import Level, Outcome, Termination, gap_permille

DEFAULT_MAX_PAIRS = 2_000_000
"""About 2 GB of memory and some minutes on one core."""
ENGINE_VERSION = "1"
"""Changes when the same document may give other bytes."""


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
    results = _solve_parts(prepared, ask, control, workers, start)
    outcome = _outcome(prepared, results, ask, control)
    seconds = {"build": round(built - started, 3), "solve": round(perf_counter() - built, 3)}
    return Outcome(**{**outcome.__dict__, "seconds": seconds})


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


def _solve_parts(
    prepared: Prepared, ask: Ask, control: Control, workers: int, start: Outcome | None
) -> list[PartResult]:
    pooled = prepared.market.policy.pooling == "shared_pool"
    parts = parts_of(prepared.market, prepared.pairs, prepared.links, pooled=pooled)
    weights = [len(part.link_pair) for part in parts]

    def one(number: int) -> PartResult:
        part = parts[number]
        share = _share_of_time(control, weights, number, workers)
        begin = None if start is None else choice_of(part, start)
        return solve_part(model_of(part), ask, share, begin)

    if workers == 1 or len(parts) < 2:
        return [one(number) for number in range(len(parts))]
    with ThreadPoolExecutor(min(workers, len(parts))) as pool:
        return list(pool.map(one, range(len(parts))))


def _share_of_time(control: Control, weights: Sequence[int], number: int, workers: int) -> Control:
    """Give a part its share of the seconds that are left, by size among those still to come."""
    left = control.seconds_left()
    if left is None:
        return control
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


def _outcome(prepared: Prepared, results: Sequence[PartResult], ask: Ask, control: Control) -> Outcome:
    market = prepared.market
    reserve = market.policy.unmatched == "reserve"
    chosen = [result.model.part.pair_at[result.choice[result.choice >= 0]] for result in results]
    stopped = any(result.stopped for result in results)
    settled = assemble(
        market, prepared.pairs, prepared.links,
        np.concatenate(chosen or [np.zeros(0, dtype=np.int64)]), Why({}, stopped=stopped),
    )  # fmt: skip
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


def _termination(
    levels: dict[str, Level], ask: Ask, control: Control, *, stopped: bool, matched: bool
) -> Termination:
    """Say why the search ended, from the bounds and never from the solver's own word."""
    coverage, cost = levels["coverage"], levels["effective_cost"]
    gaps = [level.gap_permille for level in (coverage, cost) if level.gap_permille is not None]
    if all(gap == 0 for gap in gaps):
        return Termination.OPTIMAL if matched else Termination.NOTHING_MATCHED
    if control.cancelled is not None and stopped and control.cancelled():
        return Termination.CANCELLED
    reached = (cost.gap_permille or 0) <= ask.gap_permille and (coverage.gap_permille or 0) <= ask.coverage_gap_permille
    return Termination.WITHIN_GAP if reached else Termination.LIMIT_REACHED
