"""Paying by the bank: a run gathers what is due into one file; the bank's answer, posted back, settles line by line.

`prepare_run` -> `bank_file` -> (the bank) -> `post_back`. What is in a run is with the bank and cannot be paid a
second time by hand; what the bank returns is due again. `reconcile` says whether every penny is accounted for.
"""

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from marketplace.adapters.bank_files import Answer, Instruction, write
from marketplace.records import audit
from marketplace.records.contracts import Contract, Delivery, DeliveryStatus
from marketplace.records.ledger import Transfer, TransferKind
from marketplace.records.outbox import tell
from marketplace.records.payments import LineStatus, PaymentLine, PaymentRun
from marketplace.rules.clock import Instant, london_date
from marketplace.rules.errors import Conflict, Invalid, WrongState
from marketplace.rules.money import Pence, format_pounds
from marketplace.rules.permissions import Actor, Role, Scope, check_role, check_scope

from .scopes import locked, one
from .settlements import pay_delivery, pays


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What was sent, paid, returned and is still with the bank; and whether the ledger says the same."""

    sent_pence: Pence
    paid_pence: Pence
    returned_pence: Pence
    waiting_pence: Pence
    ledger_pence: Pence

    @property
    def agrees(self) -> bool:
        """To the penny."""
        parts = self.paid_pence + self.returned_pence + self.waiting_pence
        return self.sent_pence == parts and self.ledger_pence == self.paid_pence


def runs_for(actor: Actor) -> Select[PaymentRun]:
    """The runs of this payer."""
    return select(PaymentRun).where(PaymentRun.payer_id == actor.party_id)


def prepare_run(session: Session, now: Instant, actor: Actor) -> PaymentRun:
    """Gather every confirmed delivery that this payer owes, one line a provider.

    Raises
    ------
    WrongState
        If nothing is due.
    """
    _check_payer(actor)
    due = session.scalars(
        select(Delivery)
        .join(Delivery.contract)
        .join(Contract.budget)
        .where(Delivery.status == DeliveryStatus.CONFIRMED, Delivery.payment_line_id.is_(None), pays(actor))
        .order_by(Delivery.id)
        .with_for_update(of=Delivery)
        .execution_options(populate_existing=True)
    ).all()
    by_provider: dict[str, list[Delivery]] = defaultdict(list)
    for delivery in due:
        by_provider[delivery.contract.provider_id].append(delivery)
    sums = {provider: sum(row.due_pence or 0 for row in rows) for provider, rows in by_provider.items()}
    if not any(sums.values()):
        raise WrongState("nothing_due", "Nothing is due to be paid now.")
    run = PaymentRun(payer_id=actor.party_id, made_by=actor.user_id, made_at=now)
    run.lines = [
        PaymentLine(provider_id=provider, amount_pence=sums[provider], deliveries=rows, status=LineStatus.SENT)
        for provider, rows in sorted(by_provider.items())
        if sums[provider]
    ]
    session.add(run)
    session.flush()
    audit.append(
        session, now, actor, "payments.prepared", run.id, lines=len(run.lines), amount_pence=sum(sums.values())
    )
    return run


def bank_file(session: Session, actor: Actor, run_id: str) -> str:
    """The run as a file for the bank."""
    _check_payer(actor)
    run = one(session, runs_for(actor), run_id, "payment run")
    return write(
        [Instruction(line.id, line.provider.name, line.amount_pence) for line in run.lines], london_date(run.made_at)
    )


def post_back(session: Session, now: Instant, actor: Actor, run_id: str, answers: list[Answer]) -> int:
    """Settle the lines the bank has answered; returns how many. An answer posted again changes nothing.

    Raises
    ------
    Invalid
        If a reference is not of this run, or its amount is another (place: the line); then nothing is settled.
    Conflict
        If a line was settled the other way before.
    """
    _check_payer(actor)
    run = locked(session, PaymentRun, one(session, runs_for(actor), run_id, "payment run").id, "payment run")
    lines = {line.id: line for line in run.lines}
    settled = 0
    for number, answer in enumerate(answers, start=2):
        line = lines.get(answer.reference)
        place = f"line {answer.line or number}"
        if line is None:
            raise Invalid("unknown_reference", f"{place}: this reference is not of this payment run.", place=place)
        if line.amount_pence != answer.amount_pence:
            amount = format_pounds(line.amount_pence)
            raise Invalid("other_amount", f"{place}: {amount} was sent under this reference.", place=place)
        settled += _settle(session, now, actor, line, answer)
    audit.append(session, now, actor, "payments.posted_back", run.id, settled=settled)
    return settled


def reconcile(session: Session, actor: Actor) -> Reconciled:
    """Hold the runs of this payer against the ledger's payments for the same deliveries."""
    sums = dict.fromkeys(LineStatus, 0)
    query = (
        select(PaymentLine.status, func.sum(PaymentLine.amount_pence))
        .join(PaymentLine.run)
        .where(PaymentRun.payer_id == actor.party_id)
        .group_by(PaymentLine.status)
    )
    for status, amount in session.execute(query):
        sums[status] = int(amount or 0)
    paid_lines = select(Delivery.id).join(PaymentLine, PaymentLine.id == Delivery.payment_line_id).join(PaymentLine.run)
    ledger_pence = session.scalar(
        select(func.coalesce(func.sum(Transfer.amount_pence), 0)).where(
            Transfer.kind == TransferKind.PAY,
            Transfer.about_id.in_(
                paid_lines.where(PaymentRun.payer_id == actor.party_id, PaymentLine.status == LineStatus.PAID)
            ),
        )
    )
    return Reconciled(
        sent_pence=sum(sums.values()),
        paid_pence=sums[LineStatus.PAID],
        returned_pence=sums[LineStatus.RETURNED],
        waiting_pence=sums[LineStatus.SENT],
        ledger_pence=int(ledger_pence or 0),
    )


def _settle(session: Session, now: Instant, actor: Actor, line: PaymentLine, answer: Answer) -> bool:
    status = LineStatus.PAID if answer.paid else LineStatus.RETURNED
    if line.status is status:
        return False
    if line.status is not LineStatus.SENT:
        raise Conflict("settled_otherwise", "The bank said something else about this line before.", line=line.id)
    line.status = status
    line.settled_at = now
    if answer.paid:
        for delivery in line.deliveries:
            pay_delivery(session, now, actor, delivery)
        tell(session, now, [line.provider_id], "payment_made", line.provider_id)
    else:
        line.returned_reason = answer.reason or None
        for delivery in list(line.deliveries):
            delivery.payment_line_id = None
    return True


def _check_payer(actor: Actor) -> None:
    check_role(actor, Role.COMMISSIONER, Role.HOLDER, Role.PATIENT)
    if actor.role is Role.PATIENT:
        check_scope(actor, Scope.PAYMENTS)
