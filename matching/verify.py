"""A second opinion: market and outcome in, everything that is wrong with the outcome out.

    verify(market, outcome) -> []        nothing is wrong
    verify(market, outcome) -> [Finding(code="capacity", place="awards[2]", message="…", facts={…}), …]

Written from the specification alone; it shares the documents (`market`, `outcome`) with the rest of this library and no
other line. Every figure is recomputed in whole numbers from the market and compared with what the outcome says:

    1. is it about this market: hash, policy, seed                          (here)
    2. who is served by whom: the rules of the model by their public names  (`verify_rules`)
    3. which pairs were allowed, and why the unmatched are unmatched        (`verify_pairs`)
    4. what everybody pays, to the penny                                    (`verify_charges`)
    5. the objective, its bounds and gaps, and why the search ended         (here)

A bound is checked for its direction and its arithmetic; without a certificate it remains the solver's word.
"""

from collections.abc import Iterator, Mapping
from fractions import Fraction

from matching.market import Market, plain, read_market
from matching.outcome import Level, Outcome, Termination, read_outcome
from matching.reading import Source
from matching.verify_charges import charge_findings
from matching.verify_pairs import pair_findings, reason_findings
from matching.verify_rules import rule_findings
from matching.verify_view import Finding, View

__all__ = ["Finding", "verify"]

#: Documents may round a gap for the reader, to three decimals of a per mille; never to a zero that it is not.
_GAP_ROUNDING = Fraction(1, 2000)


def verify(market: Market | Source, outcome: Outcome | Source) -> list[Finding]:
    """Re-check an outcome against its market.

    Parameters
    ----------
    market
        A `Market`, or its market/1 document as mapping, JSON text, bytes or `Path`.
    outcome
        An `Outcome`, or its outcome/1 document in the same forms.

    Returns
    -------
    list of Finding
        Everything that is wrong, in the order of the module's table; empty if nothing is.

    Raises
    ------
    DocumentError
        If one of them cannot even be read.
    """
    if not isinstance(market, Market):
        market = read_market(market)
    if not isinstance(outcome, Outcome):
        outcome = read_outcome(outcome)
    view = View(market, outcome)
    return [
        *_identity_findings(market, outcome),
        *view.findings,
        *rule_findings(view),
        *pair_findings(view),
        *reason_findings(view),
        *charge_findings(view),
        *_objective_findings(view),
        *_termination_findings(view),
    ]


def _identity_findings(market: Market, outcome: Outcome) -> Iterator[Finding]:
    """The outcome must be of exactly this market, under exactly its published policy and seed."""
    if outcome.market_sha256 != market.sha256:
        facts = {"stated": outcome.market_sha256, "market": market.sha256}
        yield Finding("market_hash", "market_sha256", "the outcome is of another market", facts)
    if outcome.seed != market.policy.seed:
        message = f"the published seed is {market.policy.seed}, not {outcome.seed}"
        yield Finding("seed", "seed", message, {"stated": outcome.seed, "published": market.policy.seed})
    published = plain(market.policy)
    stated = {name: list(value) if isinstance(value, tuple) else value for name, value in outcome.policy.items()}
    # The seed is drawn after publication and has its own place; the policy may repeat it, truly.
    stated.setdefault("seed", published["seed"])
    for name in sorted({*published, *stated}):
        if stated.get(name) != published.get(name):
            message = f"the published policy says {published.get(name)}, not {stated.get(name)}"
            figures = {"stated": stated.get(name), "published": published.get(name)}
            yield Finding("policy", f"policy.{name}", message, figures)


def _objective_findings(view: View) -> Iterator[Finding]:
    """Both values recomputed from the assignments; each bound on the right side and its gap by the formula."""
    outcome = view.outcome
    reserve = view.market.policy.unmatched == "reserve"
    levels = (
        ("coverage", outcome.coverage, _coverage(view), not reserve),
        ("effective_cost", outcome.effective_cost, _effective_cost(view), True),
    )
    for name, level, value, is_bounded in levels:
        place = f"objective.{name}"
        if level.value != value:
            facts = {"stated": level.value, "recomputed": value}
            yield Finding("objective", f"{place}.value", f"{name} is {value}, not {level.value}", facts)
        yield from _bound_findings(name, place, level, is_bounded)


def _coverage(view: View) -> int:
    """The priorities of the needs that are served."""
    return sum(view.market.need_by_id[name].priority for name in view.served_by_need)


def _effective_cost(view: View) -> int:
    """Cost parts of the pairs, fees of the offers in use; with `reserve`, the reserves of the unmatched."""
    cost = sum(sum(view.cost_parts(served).values()) for served in view.served)
    cost += sum(view.market.offer_by_id[name].fee_pence for name in view.offers_in_use)
    if view.market.policy.unmatched == "reserve":
        missing = (need for need in view.market.needs if need.id not in view.served_by_need)
        cost += sum(need.reserve_pence or 0 for need in missing)
    return cost


def _bound_findings(name: str, place: str, level: Level, is_bounded: bool) -> Iterator[Finding]:
    """Nothing can be better than the bound, and the gap is what lies between."""
    if level.certified_bound is not None:
        # Nothing in the outcome proves it: a certified bound is one that this module has recomputed.
        message = "there is no certificate for this bound"
        yield Finding("certified_bound", f"{place}.certified_bound", message, {"stated": level.certified_bound})
    if not is_bounded and level.bound is not None:
        message = "coverage is not an objective where the unmatched fall to their reserve: it has no bound"
        yield Finding("bound", f"{place}.bound", message, {"stated": level.bound})
    if level.bound is None:
        if level.gap_permille is not None:
            message = "there is no gap without a bound"
            yield Finding("gap", f"{place}.gap_permille", message, {"stated": level.gap_permille})
        return
    facts = {"value": level.value, "bound": level.bound}
    is_beyond = level.value > level.bound if name == "coverage" else level.value < level.bound
    if is_beyond:
        message = f"the value {level.value} is better than its bound {level.bound}, which therefore is none"
        yield Finding("bound", f"{place}.bound", message, facts)
    exact = Fraction(1000 * abs(level.value - level.bound), max(1, abs(level.value)))
    stated = level.gap_permille
    if stated is None or abs(Fraction(stated) - exact) > _GAP_ROUNDING or (stated == 0) != (exact == 0):
        message = f"the gap between {level.value} and {level.bound} is {float(exact):.3f} per mille, not {stated}"
        yield Finding("gap", f"{place}.gap_permille", message, {**facts, "stated": stated, "exact": float(exact)})


def _termination_findings(view: View) -> Iterator[Finding]:
    """What the outcome calls itself must follow from its bounds; a feasible answer is not an optimal one."""
    outcome = view.outcome
    reserve = view.market.policy.unmatched == "reserve"
    levels: Mapping[str, Level] = {"effective_cost": outcome.effective_cost} | (
        {} if reserve else {"coverage": outcome.coverage}
    )
    unproven = [name for name, level in levels.items() if level.bound is None]
    is_open = [name for name, level in levels.items() if level.bound is not None and level.bound != level.value]
    facts = {"termination": str(outcome.termination), "without_bound": ", ".join(unproven), "open": ", ".join(is_open)}
    message = None
    match outcome.termination:
        case Termination.OPTIMAL if unproven or is_open:
            message = f"optimal asks for both gaps to be 0, but not so: {', '.join(sorted(unproven + is_open))}"
        case Termination.OPTIMAL if not view.served and view.market.needs:
            message = "nobody is served and that is proven: this is called nothing_matched"
        case Termination.NOTHING_MATCHED if view.served:
            message = f"nothing_matched, but {len(view.served)} needs are served"
        case Termination.NOTHING_MATCHED if unproven or is_open:
            message = f"nothing_matched asks for a proof, but open is: {', '.join(sorted(unproven + is_open))}"
        case Termination.WITHIN_GAP if unproven:
            message = f"within_gap asks for a bound, and there is none of {', '.join(unproven)}"
        case Termination.WITHIN_GAP if not is_open:
            message = "both gaps are 0: this is called optimal"
    if message is not None:
        yield Finding("termination", "termination", message, facts)
