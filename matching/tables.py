"""What the command line shows: tables and sentences on stderr, made from the library's values."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from matching.market import Market
from matching.outcome import Level, Outcome
from matching.verify import Finding


def pounds(pence: int) -> str:
    """Write an amount for people."""
    sign = "-" if pence < 0 else ""
    return f"{sign}£{abs(pence) // 100:,}.{abs(pence) % 100:02d}"


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
