"""What the demo came to, for people at a terminal: a table, one patient's story, the checks, the doors.

Every figure is read back from the database by the journey's own `figures`; nothing is taken from the values that the
market was drawn as.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from rich import box
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.demo.accounts import DEMO_PASSWORD, DemoAccount, story_contract
from marketplace.demo.stage import Stage
from marketplace.journey.figures import TenderFigures, tender_figures
from marketplace.journey.rounds import recheck
from marketplace.records import audit, ledger
from marketplace.records.contracts import Contract, Delivery, DeliveryStatus
from marketplace.records.ledger import AccountKind
from marketplace.records.offers import Offer, OfferStatus
from marketplace.records.people import Patient
from marketplace.records.pools import Need
from marketplace.records.rounds import Round, RoundStatus
from marketplace.records.tenders import Tender
from marketplace.rules.clock import london_date
from marketplace.rules.money import format_pounds


@dataclass(frozen=True)
class Checks:
    """What was checked at the end, and how much of it there was."""

    accounts: int
    outcomes: int
    events: int
    faults: tuple[str, ...]


def print_tenders(console: Console, session: Session, stage: Stage) -> None:
    """One row a tender, and a sum over those that have been matched."""
    table = Table(
        title="Tenders of Lincolnshire",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        expand=True,
    )
    table.add_column("Tender", ratio=1)
    for heading in ("Offers", "Needs", "Matched", "Cost", "Saved", "Alone"):
        table.add_column(heading, justify="right", no_wrap=True)
    counts = dict(
        session.execute(
            select(Offer.tender_id, func.count()).where(Offer.status == OfferStatus.STANDING).group_by(Offer.tender_id)
        ).all()
    )
    matched: list[TenderFigures] = []
    for tender_id in stage.tender_ids.values():
        tender = session.get_one(Tender, tender_id)
        figures = tender_figures(session, tender)
        row = [
            f"{tender.title} [dim]({tender.status.value.replace('_', ' ')})[/dim]",
            str(counts.get(tender_id, 0)),
            str(figures.needs),
        ]
        if figures.matched:
            matched.append(figures)
            row += _matched_cells(figures.matched, [figures])
        table.add_row(*row)
    table.add_section()
    needs, served = sum(figures.needs for figures in matched), sum(figures.matched for figures in matched)
    table.add_row("All that have been matched", "", str(needs), *_matched_cells(served, matched))
    console.print(table)
    console.print(
        "Saved: against the conventional package"
        f" ({_percent(matched, 'against_conventional_pence', 'conventional_pence')} in all)."
        " Alone: against everybody buying single private sessions"
        f" ({_percent(matched, 'against_alone_pence', 'alone_pence')} in all)."
    )


def _matched_cells(served: int, figures: Sequence[TenderFigures]) -> list[str]:
    charges_pence = sum(one.saving.charges_pence for one in figures)
    conventional_pence = sum(one.saving.conventional_pence for one in figures)
    alone_pence = sum(one.saving.alone_pence for one in figures)
    return [
        str(served),
        _whole_pounds(charges_pence),
        _saved(conventional_pence, charges_pence),
        _saved(alone_pence, charges_pence),
    ]


def _saved(instead_pence: int, charges_pence: int) -> str:
    return _whole_pounds(instead_pence - charges_pence)


def _percent(figures: Sequence[TenderFigures], saved: str, instead: str) -> str:
    """A saving over several tenders, in whole per cent."""
    total_pence = sum(getattr(one.saving, instead) for one in figures)
    return f"{sum(getattr(one.saving, saved) for one in figures) * 100 // max(1, total_pence)}%"


def _whole_pounds(pence: int) -> str:
    """For a table: rounded to the pound, because what it shows is the size of things."""
    return format_pounds((pence + 50) // 100 * 100).removesuffix(".00")


def print_story(console: Console, session: Session) -> None:
    """One patient from the budget to the payment, in ten lines."""
    contract = session.scalar(story_contract())
    if contract is None:
        console.print("Nobody's story has come as far as a payment: with so few people no award stood.")
        return
    patient = session.get_one(Patient, contract.patient_id)
    console.print(f"\n[bold]The story of {patient.name}[/bold] (made up, like everybody here)")
    for number, line in enumerate(_story(session, contract, patient), start=1):
        console.print(f"{number:3}. {line}", highlight=False)


def _story(session: Session, contract: Contract, patient: Patient) -> Iterator[str]:
    need, award = contract.need, contract.match.award
    line, bundle, tender = need.plan_line, need.bundle, need.bundle.tender
    service, units, offer = bundle.service, need.units, award.offer
    pooled = session.scalar(select(func.count()).where(Need.bundle_id == bundle.id))
    tier = (offer.content or {})["lines"][0]["tiers"][award.tier]["from_units"]
    conventional_pence, alone_pence = units * service.conventional_pence, units * service.private_pence
    yield (
        f"{patient.name}, born {patient.birth_year}, lives in district {patient.district} and chose the broker "
        f"{tender.broker.name}."
    )
    yield f"The care plan says: “{line.outcome}”. That is {units} {service.unit}s of {service.name.lower()}."
    yield f"Of the budget {format_pounds(need.budget_pence)} may be spent on it; the pool may take that and no more."
    yield f"{_day(need.invited_at)}: invited into a pool of {pooled} people around {bundle.area}, and agreed."
    yield f"{_day(tender.published_at)}: “{tender.title}” was published under a fixed policy; the money was held."
    yield f"{_day(tender.closed_at)}: {_standing(tender)} sealed offers were opened, under aliases."
    yield (
        f"The matching chose {offer.provider.name}: {award.units} {service.unit}s in all, so the price "
        f"from {tier} on holds for everybody."
    )
    yield (
        f"The charge: {format_pounds(contract.charge_pence)}. The conventional package: "
        f"{format_pounds(conventional_pence)}. Buying alone: {format_pounds(alone_pence)}."
    )
    yield (
        f"{_day(contract.patient_signed_at)}: signed; {format_pounds(contract.charge_pence)} promised, the rest free."
    )
    left_pence = ledger.balance_pence(session, AccountKind.AVAILABLE, contract.budget_id)
    paid_pence = sum(d.due_pence or 0 for d in contract.deliveries if d.status is DeliveryStatus.PAID)
    yield (
        f"{contract.units_confirmed} {service.unit}s confirmed so far, {format_pounds(paid_pence)} paid; "
        f"{format_pounds(left_pence)} of the budget is still there to be planned with."
    )


def _standing(tender: Tender) -> int:
    return sum(offer.status is OfferStatus.STANDING for offer in tender.offers)


def _day(moment: datetime | None) -> str:
    if moment is None:
        return "Not yet"
    day = london_date(moment)
    return f"{day.day} {day:%B %Y}"


def check_all(session: Session) -> Checks:
    """Whether the books balance, the audit chain holds, every stored outcome verifies, and no charge is too high."""
    faults = [
        f"account {account}: {balance} is not {entries}" for account, balance, entries in ledger.out_of_balance(session)
    ]
    if total_pence := ledger.sum_of_all(session):
        faults.append(f"the accounts add up to {total_pence} pence, not to nothing")
    if broken := audit.check_chain(session):
        faults.append(f"audit event {broken['number']}: {broken['fault']}")
    rounds = session.scalars(select(Round).where(Round.status == RoundStatus.VERIFIED)).all()
    for row in rounds:
        faults += [f"round {row.id}: {finding}" for finding in recheck(session, row)]
    above = (
        select(func.count()).select_from(Contract).join(Contract.need).where(Contract.charge_pence > Need.budget_pence)
    )
    if too_high := session.scalar(above):
        faults.append(f"{too_high} charges above their budgets")
    return Checks(
        accounts=session.scalar(select(func.count()).select_from(ledger.Account)) or 0,
        outcomes=len(rounds),
        events=session.scalar(select(func.count()).select_from(audit.AuditEvent)) or 0,
        faults=tuple(faults),
    )


def print_checks(console: Console, session: Session) -> Checks:
    """Say what was checked."""
    checks = check_all(session)
    if checks.faults:
        console.print(f"\n[red]{len(checks.faults)} faults:[/red]")
        for fault in checks.faults:
            console.print(f"  {fault}", highlight=False)
        return checks
    deliveries = session.scalar(select(func.count()).select_from(Delivery)) or 0
    console.print(
        f"\n[green]Checked:[/green] {checks.accounts:,} accounts are the sums of their entries and add up to nothing; "
        f"{checks.events:,} audit events form one chain; {checks.outcomes} outcomes verify; no charge exceeds its "
        f"budget; {deliveries} deliveries recorded.",
        highlight=False,
    )
    return checks


def print_doors(console: Console, accounts: Sequence[DemoAccount]) -> None:
    """How to open the pages, and as whom."""
    console.print(
        "\nOpen the pages with [bold]make serve[/bold] and sign in with the password "
        f"[bold]{DEMO_PASSWORD}[/bold] as one of these:"
    )
    table = Table()
    for heading in ("Role", "E-mail"):
        table.add_column(heading, no_wrap=True)  # to be copied as it stands
    for heading in ("Name", "What waits"):
        table.add_column(heading, overflow="fold")
    for account in accounts:
        table.add_row(account.role, account.email, account.name, account.waiting)
    console.print(table)
