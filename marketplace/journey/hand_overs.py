"""What shared pools move between keepers of money, and its way from one purse to the other.

The ledger's `pool` says which budget gave and which received; where those budgets' money lies with an organisation or
with the patient (a keeper), the pounds themselves have to follow, by way of the commissioner. `standings` lists what is
owed in which direction, keeper by keeper; `hand_over` notes that it was paid. A keeper whose budgets gave as much as
they got owes nothing; the commissioner's own (notional) budgets need no hand-over at all.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session, aliased

from marketplace.records import audit
from marketplace.records.budgets import Budget, Holder, ManagedAs
from marketplace.records.ledger import (
    Account,
    AccountKind,
    Posting,
    Transfer,
    TransferKind,
    hold,
    open_account,
    post,
)
from marketplace.records.outbox import tell
from marketplace.records.people import Patient
from marketplace.rules.clock import Instant
from marketplace.rules.errors import Conflict, Invalid, NotFound, WrongState
from marketplace.rules.money import Pence, format_pounds
from marketplace.rules.permissions import Actor, Role, check_role

from .funds import checked_request
from .statements import shared_moves


@dataclass(frozen=True, slots=True)
class Standing:
    """One keeper and what shared pools moved to and from the budgets it keeps.

    ``shared_pence`` is what those budgets gave, less what they got; ``handed_pence`` what the keeper has handed to the
    commissioner for it, less what it was handed.
    """

    keeper_id: str
    name: str
    role: Role
    shared_pence: Pence
    handed_pence: Pence

    @property
    def due_pence(self) -> Pence:
        """What the keeper has to hand over now; negative: what it is to be handed."""
        return self.shared_pence - self.handed_pence


def standings(session: Session, actor: Actor) -> list[Standing]:
    """Every keeper of this commissioner's budgets that shared pools have ever concerned, by name."""
    check_role(actor, Role.COMMISSIONER)
    found = _standings(session, Budget.commissioner_id == actor.party_id)
    return sorted(found, key=lambda row: (row.name, row.keeper_id))


def standing_of(session: Session, keeper_id: str) -> Standing | None:
    """One keeper's own; None where no shared pool has concerned it."""
    keeps = (Budget.holder_id == keeper_id) | (
        (Budget.managed_as == ManagedAs.DIRECT_PAYMENT) & (Budget.patient_id == keeper_id)
    )
    return next(iter(_standings(session, keeps)), None)


def hand_over(
    session: Session,
    now: Instant,
    actor: Actor,
    keeper_id: str,
    amount_pence: Pence,
    *,
    due_pence: Pence,
    request_id: str,
) -> Standing:
    """The commissioner notes that money for shared pools was paid, in the direction in which it is owed.

    clearing -> funder where the keeper owed it, funder -> clearing where it was owed to the keeper. ``due_pence`` is
    what the commissioner was shown as owed: an amount says nothing of its direction, and what is owed can turn round
    between the page and its form. The same request again moves nothing.

    Raises
    ------
    NotFound
        If this is no keeper of this commissioner's budgets, or no shared pool concerns it.
    WrongState
        If nothing is owed now.
    Invalid, Conflict
        If the amount is more than what is owed (place: amount_pence); if something else is owed now than was shown, or
        the request was used for another amount.
    """
    check_role(actor, Role.COMMISSIONER)
    key = f"hand-over:{keeper_id}:{checked_request(request_id)}"
    open_account(session, AccountKind.CLEARING, keeper_id)
    hold(session, [keeper_id])
    standing = next((row for row in standings(session, actor) if row.keeper_id == keeper_id), None)
    if standing is None:
        raise NotFound("not_found", "We cannot find whoever holds these budgets.")
    owed_pence = standing.due_pence
    clearing, funder = (AccountKind.CLEARING, keeper_id), (AccountKind.FUNDER, actor.party_id)
    source, target = (clearing, funder) if owed_pence > 0 else (funder, clearing)
    if (earlier := session.scalar(select(Transfer).where(Transfer.idempotency_key == key))) is not None:
        if earlier.amount_pence != amount_pence:
            raise Conflict("key_used_for_another", "This was already posted with other figures.", key=key)
        return standing
    if owed_pence != due_pence:
        message = "What is owed has changed since you opened the page. Look at it again, then note what was paid."
        raise Conflict("owed_changed", message, shown_pence=due_pence, owed_pence=owed_pence)
    if owed_pence == 0:
        raise WrongState("nothing_owed", "Nothing is owed for shared groups now.")
    if not 0 < amount_pence <= abs(owed_pence):
        most = format_pounds(abs(owed_pence))
        raise Invalid("more_than_owed", f"Enter an amount up to {most}.", place="amount_pence", owed_pence=owed_pence)
    posting = Posting(
        key=key,
        kind=TransferKind.HAND_OVER,
        source=source,
        target=target,
        amount_pence=amount_pence,
        about_id=keeper_id,
        reason="Money of shared groups, paid on",
    )
    post(session, now, actor.user_id, posting)
    audit.append(session, now, actor, "pool.handed_over", keeper_id, amount_pence=amount_pence, owed_pence=owed_pence)
    tell(session, now, [keeper_id], "pool_handed_over", keeper_id)
    return standing


def _standings(session: Session, whose: ColumnElement[bool]) -> Iterator[Standing]:
    """The standings of the keepers of some budgets, in no order."""
    moved, clearing = shared_moves(), aliased(Account)
    keeper = case((Budget.managed_as == ManagedAs.DIRECT_PAYMENT, Budget.patient_id), else_=Budget.holder_id)
    shared = (
        select(keeper.label("id"), func.sum(moved.c.amount_pence).label("pence"))
        .select_from(Budget)
        .join(moved, moved.c.budget_id == Budget.id)
        .where(whose, Budget.managed_as != ManagedAs.NOTIONAL, keeper.is_not(None))
        .group_by(keeper)
        .subquery()
    )
    query = (
        select(shared.c.id, shared.c.pence, clearing.balance_pence, Holder.name, Patient.name)
        .select_from(shared)
        .outerjoin(clearing, (clearing.owner_id == shared.c.id) & (clearing.kind == AccountKind.CLEARING))
        .outerjoin(Holder, Holder.id == shared.c.id)
        .outerjoin(Patient, Patient.id == shared.c.id)
    )
    for keeper_id, pence, cleared_pence, holder, patient in session.execute(query):
        role = Role.HOLDER if holder is not None else Role.PATIENT
        yield Standing(keeper_id, holder or patient, role, int(pence), -(cleared_pence or 0))
