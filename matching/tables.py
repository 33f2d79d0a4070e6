"""What the command line shows: tables and sentences on stderr, made from the library's values."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from matching.changes import Change
from matching.explain import Alternative, NeedExplanation, OfferExplanation
from matching.market import Market
from matching.moves import SIDES, Verdict
from matching.outcome import Level, Outcome
from matching.rematch import Rematch
from matching.scenario import Comparison
from matching.verify import Finding

MONEY_RULES = ("own_budget", "fee_cover", "effective_cost", "shared_pool")


def pounds(pence: int) -> str:
    """Write an amount for people."""
    sign = "-" if pence < 0 else ""
    return f"{sign}£{abs(pence) // 100:,}.{abs(pence) % 100:02d}"


def page(*, stderr: bool = False) -> Console:
    """A console that is wide enough for tables where no terminal says how wide it is."""
    console = Console(stderr=stderr)
    return console if console.is_terminal else Console(stderr=stderr, width=160)


def print_outcome(console: Console, market: Market, outcome: Outcome) -> None:
    """Say what came of a market: termination, both levels, who is used."""
    matched = len(outcome.assignments)
    needs, awards = len(market.needs), len(outcome.awards)
    console.print(f"{outcome.termination}: {matched} of {needs} needs matched, {awards} awards")
    table = Table("level", "value", "bound", "gap (per mille)")
    cost = outcome.effective_cost
    table.add_row("coverage", str(outcome.coverage.value), _bound(outcome.coverage.bound), _gap(outcome.coverage))
    bound = "none" if cost.bound is None else pounds(cost.bound)
    table.add_row("effective cost", pounds(cost.value), bound, _gap(cost))
    console.print(table)


def _bound(bound: int | None) -> str:
    return "none" if bound is None else str(bound)


def _gap(level: Level) -> str:
    return "none" if level.gap_permille is None else f"{level.gap_permille:.3f}"


def print_findings(console: Console, findings: Sequence[Finding]) -> None:
    """Say what verification found."""
    if not findings:
        console.print("verified: every rule, every penny and the objective")
        return
    table = Table("rule", "place", "finding", title=f"not verified: {len(findings)} findings")
    for finding in findings:
        table.add_row(finding.code, finding.place, finding.message)
    console.print(table)


def print_explanation(console: Console, found: NeedExplanation | OfferExplanation) -> None:
    """Show an explanation."""
    if isinstance(found, OfferExplanation):
        _print_offer(console, found)
        return
    if found.chosen is not None:
        console.print(f"need {found.need} is served by offer {found.chosen}, charge {pounds(found.charge_pence or 0)}")
    else:
        rules = f" ({', '.join(found.rules)})" if found.rules else ""
        console.print(f"need {found.need} is unmatched: {found.reason}{rules}")
    table = Table("offer", "in use", "price", *SIDES, "total", "why")
    for one in found.alternatives:
        figures = [""] * (len(SIDES) + 2)
        if one.parts is not None:
            figures = [pounds(pence) for pence in (*vars(one.parts).values(), one.parts.total_pence)]
        table.add_row(one.offer, "yes" if one.in_use else "no", *figures, _why(one))
    console.print(table)
    _print_changes(console, found.changes)


def _why(one: Alternative) -> str:
    if one.verdict is None:
        return str(one.place)
    return verdict_text(one.verdict)


def verdict_text(verdict: Verdict) -> str:
    """The rule that decided, with its figures."""
    if verdict.rule == "effective_cost":
        most = verdict.largest
        mostly = "" if most is None else f", most of it {most.part} ({pounds(most.pence)})"
        return f"dearer in all by {pounds(int(verdict.value or 0))}{mostly}"
    is_money = verdict.rule in MONEY_RULES
    shown = [
        pounds(figure) if is_money and isinstance(figure, int) else str(figure)
        for figure in (verdict.value, verdict.limit)
        if figure is not None
    ]
    return f"{verdict.rule}: {' against '.join(shown)} ({verdict.subject})"


def _print_offer(console: Console, found: OfferExplanation) -> None:
    if found.award is not None:
        units, needs = found.award.units, found.award.needs
        console.print(f"offer {found.offer} is used at tier {found.award.tier}: {units} units, {needs} needs")
        return
    console.print(f"offer {found.offer} is not used; {found.eligible_needs} needs are eligible")
    for tier, rules in found.closed_tiers:
        console.print(f"tier {tier} can never be reached: {', '.join(rules)}")
    _print_changes(console, found.changes)


def _print_changes(console: Console, changes: Sequence[Change]) -> None:
    if not changes:
        return
    table = Table("smallest change", "offer", "now", "needed", "smaller proven too little")
    for change in changes:
        figures = [
            pounds(figure) if change.kind in {"budget", "price"} and isinstance(figure, int) else str(figure or "none")
            for figure in (change.now, change.needed)
        ]
        kind = "price lower by" if change.kind == "price" else change.kind
        table.add_row(kind, change.offer, *figures, "yes" if change.proven_smallest else "no, time ran out")
    console.print(table)


def print_comparisons(console: Console, found: Sequence[Comparison]) -> None:
    """Show scenarios beside the present outcome."""
    table = Table("scenario", "coverage", "matched", "cost", "charges", "gained", "lost", "needs moved", "proven")
    for one in found:
        table.add_row(
            one.scenario.name,
            f"{one.coverage:+}",
            f"{one.matched:+}",
            pounds(one.effective_cost_pence),
            pounds(one.charges_pence),
            ", ".join(one.providers_gained),
            ", ".join(one.providers_lost),
            str(len(one.moved)),
            "yes" if one.proven else "to the gaps",
        )
    console.print(table)


def print_rematch(console: Console, found: Rematch) -> None:
    """Show who stays, who is placed and who is displaced."""
    kept, placed = len(found.kept), len(found.placed)
    console.print(f"{kept} stay as they are, {placed} placed anew, disruption {found.disruption}")
    for short in found.shortfalls:
        state = "waived" if short.waived else "not waived"
        console.print(f"offer {short.offer}: {short.rule} {short.value} of {short.limit}, {state}")
    for one in found.displaced:
        after = one.offer_after or "nobody"
        console.print(f"need {one.need}: from {one.offer_before} to {after} ({', '.join(one.rules)})")
