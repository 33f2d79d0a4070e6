"""A study's question put to the engine: the published policy's outcome, then each scenario beside it.

Every outcome passes the independent check; what is kept of it are counts and sums. Nobody is named in an answer, and no
assignment is in it, so that nothing could be proposed from it.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import matching
from marketplace.journey.rounds import COST_GAP_PERMILLE
from marketplace.rules.round_rows import outcome_sha256
from matching.scenario import Scenario, apply

from .watch import Watch

TIME_LIMIT_S = 45.0
"""For one scenario: with the present outcome to start from, most are done in a few seconds."""
WORKERS = 1
"""A match may be under way beside it."""

Prices = Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Answered:
    """One outcome with the market it is of."""

    market: matching.Market
    outcome: matching.Outcome


def solve_scenarios(question: Mapping[str, Any], watch: Watch) -> dict[str, Any]:
    """The columns of a study, and what the independent check found wrong with any of them."""
    market, prices = matching.read_market(question["market"]), question["prices"]
    scenarios = [matching.read_scenario(document) for document in question["scenarios"]]
    options: dict[str, Any] = {
        "time_limit_s": TIME_LIMIT_S,
        "gap_permille": COST_GAP_PERMILLE,
        "workers": WORKERS,
        "on_progress": watch.tell,
        "cancelled": watch.called_off,
    }
    if question["outcome"] is not None:
        base = Answered(market, matching.read_outcome(question["outcome"]))
    else:
        watch.begin(0, len(scenarios), {})
        base = Answered(market, matching.solve(market, **options))
    findings = matching.verify(base.market, base.outcome)
    columns = []
    for number, scenario in enumerate(scenarios, start=1):
        if watch.called_off():
            break
        watch.begin(number, len(scenarios), scenario.document())
        found = matching.compare(market, base.outcome, scenario, **options)
        findings += matching.verify(found.market, found.after)
        columns.append(_column(base, Answered(found.market, found.after), prices, scenario, proven=found.proven))
    return {
        "base": _figures(base, prices),
        "columns": columns,
        "versions": base.outcome.document()["versions"],
        "findings": [f"{finding.code}: {finding.message}" for finding in findings],
    }


def _figures(answered: Answered, prices: Prices) -> dict[str, Any]:
    """What one outcome comes to, in counts and pence."""
    market, outcome = answered.market, answered.outcome
    needs = [market.need_by_id[row.need] for row in outcome.assignments]
    figures: dict[str, Any] = {
        "needs": len(market.needs),
        "matched": len(needs),
        "coverage": outcome.coverage.value,
        "charges_pence": sum(row.charge_pence for row in outcome.assignments),
        "effective_cost_pence": outcome.effective_cost.value,
        "gaps_permille": [outcome.coverage.gap_permille, outcome.effective_cost.gap_permille],
        "termination": outcome.termination.value,
        "units": sum(need.units for need in needs),
        "all_units": sum(need.units for need in market.needs),
        "awards": [{"offer": row.offer, "units": row.units, "people": row.needs} for row in outcome.awards],
        "market_sha256": market.sha256,
        "outcome_sha256": outcome_sha256(outcome.document()),
    }
    services = [market.bundle_by_id[need.bundle].service for need in needs]
    if prices and all(service in prices for service in services):
        for at, name in enumerate(("conventional_pence", "alone_pence")):
            figures[name] = sum(need.units * prices[service][at] for need, service in zip(needs, services, strict=True))
    return figures


def _column(base: Answered, found: Answered, prices: Prices, scenario: Scenario, *, proven: bool) -> dict[str, Any]:
    """A scenario's figures with who would be affected: counts only."""
    stated = apply(base.market, scenario) != base.market
    return {
        **_figures(found, prices),
        "scenario": scenario.document(),
        "stated": stated,
        "proven": proven,
        "affected": dict(_affected(base, found)),
    }


ROUNDING_PENCE = 1
"""Who gets the odd penny when a fee is shared out may change though nothing else does: that is no other charge."""


def _affected(base: Answered, found: Answered) -> Counter[str]:
    """How many people would gain or lose a match, have another provider, pay more, pay less."""
    before = {row.need: row for row in base.outcome.assignments}
    after = {row.need: row for row in found.outcome.assignments}
    counts = Counter({"gain": len(after.keys() - before.keys()), "lose": len(before.keys() - after.keys())})
    for need in before.keys() & after.keys():
        old, new = before[need], after[need]
        providers = base.market.offer_by_id[old.offer].provider, found.market.offer_by_id[new.offer].provider
        counts["move"] += providers[0] != providers[1]
        counts["dearer"] += new.charge_pence > old.charge_pence + ROUNDING_PENCE
        counts["cheaper"] += new.charge_pence < old.charge_pence - ROUNDING_PENCE
    return counts
