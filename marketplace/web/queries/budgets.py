"""A patient's budget: `figures_of` for the bar, `statement` for every posting in words, `own_budgets` for the list.

Balances are read from the ledger's accounts; what was spent is what left `committed` for providers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, aliased

from marketplace.journey.scopes import budgets_for, one
from marketplace.records.budgets import Budget, PlanLine
from marketplace.records.catalogue import Service
from marketplace.records.contracts import Contract, Delivery
from marketplace.records.ledger import Account, AccountKind, Transfer, TransferKind
from marketplace.records.pools import Need
from marketplace.rules.clock import Instant
from marketplace.rules.money import Pence
from marketplace.rules.permissions import Actor

OWN_ACCOUNTS = (AccountKind.AVAILABLE, AccountKind.RESERVED, AccountKind.COMMITTED)

WORDS = {
    TransferKind.ALLOCATE: "Paid into your budget",
    TransferKind.SUPPLEMENT: "Extra money paid into your budget",
    TransferKind.RESERVE: "Set aside for {service}",
    TransferKind.COMMIT: "Promised to your provider for {service}, out of what was set aside",
    TransferKind.RELEASE: "Given back: no longer set aside for {service}",
    TransferKind.DUE: "Spent on {service} you had",
    TransferKind.PAY: "Paid to your provider for {service}",
    TransferKind.REFUND: "Paid back to your budget from {service}",
    TransferKind.EXPIRE: "Returned because the budget ended",
    TransferKind.RECLAIM: "Taken back by the local care team",
    TransferKind.RETURN: "Returned because you chose the conventional package",
}


ORDER = list(WORDS)
"""Postings of one moment are told in this order: what was promised, then what was given back of the rest."""


@dataclass(frozen=True, slots=True)
class BudgetFigures:
    """Where the money of a budget stands; the four parts add up to what was paid in."""

    available_pence: Pence
    reserved_pence: Pence
    committed_pence: Pence
    spent_pence: Pence

    @property
    def total_pence(self) -> Pence:
        """All that was paid in and not taken back."""
        return self.available_pence + self.reserved_pence + self.committed_pence + self.spent_pence


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One posting: when, what in words, how much, and what is free to use after it.

    ``change`` is +1 or -1 where the posting added to or took from what is free to use, else 0.
    """

    posted_at: Instant
    words: str
    amount_pence: Pence
    change: int
    available_after_pence: Pence


def own_budgets(session: Session, actor: Actor) -> Sequence[Budget]:
    """The patient's budgets, the newest first."""
    return session.scalars(budgets_for(actor).order_by(Budget.valid_from.desc(), Budget.id)).all()


def own_budget(session: Session, actor: Actor, budget_id: str) -> Budget:
    """One of the patient's own budgets."""
    return one(session, budgets_for(actor), budget_id, "budget")


def figures_of(session: Session, budget_ids: Iterable[str]) -> BudgetFigures:
    """The figures of these budgets together."""
    ids = list(budget_ids)
    held = dict.fromkeys(OWN_ACCOUNTS, 0)
    rows = session.execute(
        select(Account.kind, Account.balance_pence).where(Account.owner_id.in_(ids), Account.kind.in_(OWN_ACCOUNTS))
    )
    for kind, balance in rows:
        held[kind] += balance
    spent = sum(
        transfer.amount_pence if transfer.kind is TransferKind.DUE else -transfer.amount_pence
        for transfer, _, _ in _transfers(session, ids)
        if transfer.kind in {TransferKind.DUE, TransferKind.REFUND}
    )
    return BudgetFigures(
        available_pence=held[AccountKind.AVAILABLE],
        reserved_pence=held[AccountKind.RESERVED],
        committed_pence=held[AccountKind.COMMITTED],
        spent_pence=spent,
    )


def statement(session: Session, budget: Budget) -> list[StatementRow]:
    """Every posting of a budget, the oldest first."""
    services = _services(session, budget.id)
    rows, available = [], 0
    for transfer, source, target in _transfers(session, [budget.id]):
        change = (target == AccountKind.AVAILABLE) - (source == AccountKind.AVAILABLE)
        available += change * transfer.amount_pence
        words = WORDS[transfer.kind].format(service=services.get(transfer.about_id, "care").lower())
        rows.append(StatementRow(transfer.posted_at, words, transfer.amount_pence, change, available))
    return rows


def _transfers(session: Session, budget_ids: Sequence[str]) -> list[tuple[Transfer, AccountKind, AccountKind]]:
    """Every transfer that touches the budgets' own accounts, with the kinds of its two accounts, the oldest first."""
    source, target = aliased(Account), aliased(Account)
    query = (
        select(Transfer, source.kind, target.kind)
        .join(source, source.id == Transfer.from_account_id)
        .join(target, target.id == Transfer.to_account_id)
        .where(
            or_(
                source.owner_id.in_(budget_ids) & source.kind.in_(OWN_ACCOUNTS),
                target.owner_id.in_(budget_ids) & target.kind.in_(OWN_ACCOUNTS),
            )
        )
        .order_by(Transfer.posted_at, Transfer.id)
    )
    rows = [(transfer, of, to) for transfer, of, to in session.execute(query)]
    return sorted(rows, key=lambda row: (row[0].posted_at, ORDER.index(row[0].kind), row[0].id))


def _services(session: Session, budget_id: str) -> dict[str, str]:
    """Names of services by the needs and deliveries that postings are about."""
    by_need = session.execute(
        select(Need.id, Delivery.id, Service.name)
        .join(PlanLine, PlanLine.id == Need.plan_line_id)
        .join(Service, Service.id == PlanLine.service_id)
        .outerjoin(Contract, Contract.need_id == Need.id)
        .outerjoin(Delivery, Delivery.contract_id == Contract.id)
        .where(Need.budget_id == budget_id)
    )
    names: dict[str, str] = {}
    for need_id, delivery_id, name in by_need:
        names[need_id] = name
        if delivery_id:
            names[delivery_id] = name
    return names
