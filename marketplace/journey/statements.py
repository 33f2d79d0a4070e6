"""A budget's money in words: where it stands, and every posting with what was in each place after it. Pure reads.

`figures_of` adds up, `statement` lists, `meanings` explains what is on the list. The order is the ledger's own:
entries are numbered account by account, so that postings of one moment come in the order in which they were made, and
each running balance is one that was.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import Select, Subquery, func, select
from sqlalchemy.orm import Session, aliased

from marketplace.records.budgets import Budget, PlanLine
from marketplace.records.catalogue import Service
from marketplace.records.contracts import Contract, Delivery
from marketplace.records.ledger import Account, AccountKind, Entry, Transfer, TransferKind
from marketplace.records.pools import Need
from marketplace.rules.clock import Instant, london_date
from marketplace.rules.money import Pence
from marketplace.rules.permissions import Actor, Role

from .scopes import budgets_for, one

OWN_ACCOUNTS = (AccountKind.AVAILABLE, AccountKind.RESERVED, AccountKind.COMMITTED)

CARE_TEAM = "the local care team"
"""What patients call the commissioner."""

WORDS: Mapping[TransferKind, str] = {
    TransferKind.ALLOCATE: "Paid into the budget",
    TransferKind.SUPPLEMENT: "Extra money paid into the budget",
    TransferKind.RESERVE: "Set aside for {service}",
    TransferKind.RELEASE: "Free to use again, from {service}",
    TransferKind.COMMIT: "Promised to the provider of {service}",
    TransferKind.DUE: "Spent on {service} that took place",
    TransferKind.PAY: "Paid for {service} by {payer}",
    TransferKind.REFUND: "Not spent after all, on {service} written down by mistake",
    TransferKind.EXPIRE: "Returned because the budget ended",
    TransferKind.RECLAIM: f"Taken back by {CARE_TEAM}",
    TransferKind.RETURN: "Returned, as the usual care was chosen",
    TransferKind.POOL_GIVE: "Given to others in the group for {service}",
    TransferKind.POOL_RECEIVE: "Carried by others in the group for {service}",
    TransferKind.POOL_RESTORE: "Back to the group for {service}, as it was not needed",
    TransferKind.POOL_RETURN: "Back from the group for {service}, as it was not needed",
}

MEANINGS: Mapping[TransferKind, tuple[str, str]] = {
    TransferKind.ALLOCATE: ("Paid into the budget", "is money that your local care team gave for your care."),
    TransferKind.SUPPLEMENT: ("Extra money", "was added later. The line says why."),
    TransferKind.RESERVE: (
        "Set aside",
        "is money kept for you while a group looks for a provider. It is still yours.",
    ),
    TransferKind.RELEASE: ("Free to use again", "is money that was kept and is no longer needed there."),
    TransferKind.COMMIT: ("Promised", "is money for a contract you signed."),
    TransferKind.DUE: ("Spent", "is money for care you had."),
    TransferKind.PAY: ("Paid for", "means that your provider has the money. It was spent before."),
    TransferKind.REFUND: ("Not spent after all", "is what care had cost that was written down by mistake."),
    TransferKind.EXPIRE: ("Returned", "is money that went back to your local care team."),
    TransferKind.RECLAIM: ("Taken back", "is free money that your local care team took back. The line says why."),
    TransferKind.RETURN: ("Returned", "is money that went back to your local care team."),
    TransferKind.POOL_GIVE: ("Given to others", "is what helps others in a group that shares."),
    TransferKind.POOL_RECEIVE: ("Carried by others", "is what others in your group pay for your care."),
    TransferKind.POOL_RESTORE: ("Back to the group", "is help from others that you did not need."),
    TransferKind.POOL_RETURN: ("Back from the group", "is what you gave and others did not need."),
}
"""What each kind of line means: the words it begins with, and their meaning for a patient."""

NO_LONGER_NEEDED = "No longer needed for {service}"
"""What is said of a release after its budget's end: it makes nothing free to use."""

TOLD_WHY = frozenset({TransferKind.SUPPLEMENT, TransferKind.RECLAIM, TransferKind.REFUND})
"""Postings whose reason somebody wrote for the patient to read."""

SHARED = (
    TransferKind.POOL_GIVE,
    TransferKind.POOL_RECEIVE,
    TransferKind.POOL_RESTORE,
    TransferKind.POOL_RETURN,
)
"""Postings between a budget and a shared pool."""

PAYERS: Mapping[Role, str] = {
    Role.COMMISSIONER: "the commissioner",
    Role.HOLDER: "the organisation that holds the budget",
    Role.PATIENT: "the patient",
}


@dataclass(frozen=True, slots=True)
class BudgetFigures:
    """Where the money of one or more budgets stands; all five add up to what was paid in and not taken back.

    ``shared_pence`` is what was given to others of a shared pool, less what came back; negative: what others carried.
    """

    available_pence: Pence
    reserved_pence: Pence
    committed_pence: Pence
    spent_pence: Pence
    shared_pence: Pence = 0

    @property
    def total_pence(self) -> Pence:
        """All that was paid in and not taken back."""
        own = self.available_pence + self.reserved_pence + self.committed_pence + self.spent_pence
        return own + self.shared_pence

    @property
    def given_pence(self) -> Pence:
        """What others of a shared pool have of it."""
        return max(0, self.shared_pence)

    @property
    def received_pence(self) -> Pence:
        """What is here of others of a shared pool, beyond the total."""
        return max(0, -self.shared_pence)


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One posting: when, what in words, why, how much from where to where, and what stands where after it.

    ``amount_pence`` is how much was moved, and has no sign. ``available_change_pence`` is what that did to the money
    that is free to use, and always has one (0: a posting between the other places): added up from the first line on,
    it comes to what is free after each.
    """

    posted_at: Instant
    kind: TransferKind
    words: str
    reason: str
    amount_pence: Pence
    available_change_pence: Pence
    after: BudgetFigures

    @property
    def why(self) -> str:
        """The reason, where it was written for the patient; else nothing."""
        return self.reason if self.kind in TOLD_WHY else ""


def statement(session: Session, actor: Actor, budget_id: str) -> list[StatementRow]:
    """Every posting of a budget that the actor may see, the oldest first.

    Payments are listed too, although they move no money of the budget any more: what was owed is then paid.

    Raises
    ------
    NotFound
        If there is no such budget, or none for this actor.
    """
    budget = one(session, budgets_for(actor), budget_id, "budget")
    services, payer = _services(session, budget.id), payer_words(budget, actor)
    held = dict.fromkeys(AccountKind, 0)
    rows = []
    for transfer, changes in _in_order(session, budget):
        for kind, amount_pence in changes.items():
            held[kind] += amount_pence
        if transfer.kind in (TransferKind.DUE, TransferKind.REFUND):
            held[AccountKind.PAYABLE] += transfer.amount_pence * (1 if transfer.kind is TransferKind.DUE else -1)
        if transfer.kind in SHARED:
            held[AccountKind.POOL] -= sum(changes.values())
        service = services.get(transfer.about_id, "care").lower()
        too_late = transfer.kind is TransferKind.RELEASE and _after_its_end(budget, transfer.posted_at)
        words = NO_LONGER_NEEDED if too_late else WORDS[transfer.kind]
        rows.append(
            StatementRow(
                posted_at=transfer.posted_at,
                kind=transfer.kind,
                words=words.format(service=service, payer=payer),
                reason=transfer.reason,
                amount_pence=transfer.amount_pence,
                available_change_pence=changes.get(AccountKind.AVAILABLE, 0),
                after=_figures(held, held[AccountKind.PAYABLE]),
            )
        )
    return rows


def _after_its_end(budget: Budget, moment: Instant) -> bool:
    """Whether a budget was over by then, by its last day or because its patient had left it."""
    left = budget.left_at is not None and budget.left_at <= moment
    return left or budget.valid_to < london_date(moment)


def meanings(kinds: Collection[TransferKind]) -> list[tuple[str, str]]:
    """What the words on a statement mean, each once: only of the kinds of lines that are on it."""
    return list(dict.fromkeys(MEANINGS[kind] for kind in TransferKind if kind in kinds))


def payer_words(budget: Budget, actor: Actor) -> str:
    """Who pays providers from a budget, told to somebody: to whoever pays, "you"."""
    payer = budget.parties.payer
    if payer.role is Role.PATIENT and actor.role is Role.PATIENT and actor.authority_id is None:
        return "you"
    if payer.role is Role.COMMISSIONER and actor.role is not Role.HOLDER:
        return "you" if actor.role is Role.COMMISSIONER else CARE_TEAM
    return PAYERS[payer.role]


def figures_of(session: Session, budget_ids: Collection[str] | Select[str]) -> BudgetFigures:
    """Where the money of these budgets (or of those that a query finds) stands, together."""
    held = dict.fromkeys(AccountKind, 0)
    balances = select(Account.kind, func.sum(Account.balance_pence)).where(
        Account.owner_id.in_(budget_ids), Account.kind.in_(OWN_ACCOUNTS)
    )
    for kind, pence in session.execute(balances.group_by(Account.kind)):
        held[kind] = int(pence)
    spent = select(Transfer.kind, func.sum(Transfer.amount_pence)).join(Entry, Entry.transfer_id == Transfer.id)
    spent = spent.join(Account, Account.id == Entry.account_id).where(
        Account.owner_id.in_(budget_ids),
        Account.kind.in_(OWN_ACCOUNTS),
        Transfer.kind.in_((TransferKind.DUE, TransferKind.REFUND)),
    )
    by_kind = {kind: int(pence) for kind, pence in session.execute(spent.group_by(Transfer.kind))}
    held[AccountKind.POOL] = sum(shared_by_budget(session, budget_ids).values())
    return _figures(held, by_kind.get(TransferKind.DUE, 0) - by_kind.get(TransferKind.REFUND, 0))


def shared_by_budget(session: Session, budget_ids: Collection[str] | Select[str]) -> dict[str, Pence]:
    """What each of these budgets has given to shared pools, less what came from them (negative: received).

    Asked from the pools' side, because there are few of them.
    """
    moved = shared_moves()
    query = select(moved.c.budget_id, func.sum(moved.c.amount_pence)).where(moved.c.budget_id.in_(budget_ids))
    return {budget_id: int(pence) for budget_id, pence in session.execute(query.group_by(moved.c.budget_id))}


def shared_moves() -> Subquery:
    """Every posting between a budget and a shared pool: `budget_id`, `amount_pence` (given; negative: received)."""
    other = aliased(Account)
    return (
        select(other.owner_id.label("budget_id"), Entry.amount_pence)
        .select_from(Account)
        .join(Entry, Entry.account_id == Account.id)
        .join(Transfer, Transfer.id == Entry.transfer_id)
        .join(other, other.id.in_((Transfer.from_account_id, Transfer.to_account_id)) & (other.id != Account.id))
        .where(Account.kind == AccountKind.POOL)
        .subquery()
    )


def _figures(held: Mapping[AccountKind, Pence], spent_pence: Pence) -> BudgetFigures:
    return BudgetFigures(
        available_pence=held[AccountKind.AVAILABLE],
        reserved_pence=held[AccountKind.RESERVED],
        committed_pence=held[AccountKind.COMMITTED],
        spent_pence=spent_pence,
        shared_pence=held[AccountKind.POOL],
    )


def _in_order(session: Session, budget: Budget) -> list[tuple[Transfer, dict[AccountKind, Pence]]]:
    """The budget's postings, with what each did to its own accounts, in the order in which they happened.

    Each account knows the order of its own entries; the next posting is the earliest of those whose entries are all
    next in their accounts. Payments have none, and go by their time.
    """
    entries = session.execute(
        select(Transfer, Account.kind, Entry.number, Entry.amount_pence)
        .join(Entry, Entry.transfer_id == Transfer.id)
        .join(Account, Account.id == Entry.account_id)
        .where(Account.owner_id == budget.id, Account.kind.in_(OWN_ACCOUNTS))
        .order_by(Account.kind, Entry.number)
    ).all()
    changes: dict[str, dict[AccountKind, Pence]] = defaultdict(dict)
    queues = {kind: [row[0] for row in rows] for kind, rows in groupby(entries, key=lambda row: row[1])}
    for transfer, kind, _, amount_pence in entries:
        changes[transfer.id][kind] = amount_pence
    payments = _payments(session, budget)
    ordered: list[tuple[Transfer, dict[AccountKind, Pence]]] = []
    at = dict.fromkeys(queues, 0)
    while any(at[kind] < len(queue) for kind, queue in queues.items()):
        fronts = {kind: queue[at[kind]] for kind, queue in queues.items() if at[kind] < len(queue)}
        ready = [front for front in fronts.values() if all(fronts[kind] is front for kind in changes[front.id])]
        chosen = min(ready, key=lambda transfer: transfer.posted_at)
        while payments and payments[0].posted_at < chosen.posted_at:
            ordered.append((payments.pop(0), {}))
        ordered.append((chosen, changes[chosen.id]))
        for kind in changes[chosen.id]:
            at[kind] += 1
    return [*ordered, *((payment, {}) for payment in payments)]


def _payments(session: Session, budget: Budget) -> list[Transfer]:
    query = (
        select(Transfer)
        .join(Delivery, Delivery.id == Transfer.about_id)
        .join(Delivery.contract)
        .where(Contract.budget_id == budget.id, Transfer.kind == TransferKind.PAY)
        .order_by(Transfer.posted_at, Transfer.id)
    )
    return list(session.scalars(query))


def _services(session: Session, budget_id: str) -> dict[str, str]:
    """Names of services by the needs and deliveries that postings are about."""
    query = (
        select(Need.id, Delivery.id, Service.name)
        .join(PlanLine, PlanLine.id == Need.plan_line_id)
        .join(Service, Service.id == PlanLine.service_id)
        .outerjoin(Contract, Contract.need_id == Need.id)
        .outerjoin(Delivery, Delivery.contract_id == Contract.id)
        .where(Need.budget_id == budget_id)
    )
    names: dict[str, str] = {}
    for need_id, delivery_id, name in session.execute(query):
        names[need_id] = name
        if delivery_id:
            names[delivery_id] = name
    return names
