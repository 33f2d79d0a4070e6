"""The auditors of a tender for its commissioner's page: `auditors_of`."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from marketplace.journey.scopes import auditors_for
from marketplace.records.auditors import Auditor, Handout
from marketplace.records.people import User
from marketplace.rules.permissions import Actor


@dataclass(frozen=True, slots=True)
class AuditorRow:
    """One auditor: who named them and struck them off, each time the matching was handed out to them, by whom."""

    auditor: Auditor
    named_by: str
    struck_by: str
    handouts: Sequence[tuple[Handout, str]]


def auditors_of(session: Session, actor: Actor, tender_id: str) -> list[AuditorRow]:
    """The auditors of a tender that this commissioner oversees, the first named first."""
    query = auditors_for(actor).where(Auditor.tender_id == tender_id).options(selectinload(Auditor.handouts))
    rows = session.scalars(query.order_by(Auditor.named_at, Auditor.id)).all()
    ids = (
        {row.named_by for row in rows}
        | {row.struck_by for row in rows if row.struck_by}
        | {handout.handed_by for row in rows for handout in row.handouts}
    )
    users = {user.id: user.name for user in session.scalars(select(User).where(User.id.in_(ids)))}

    def name(user_id: str | None) -> str:
        return users.get(user_id or "", "An account that is closed")

    def handouts(row: Auditor) -> list[tuple[Handout, str]]:
        return [(handout, name(handout.handed_by)) for handout in row.handouts]

    return [AuditorRow(row, name(row.named_by), name(row.struck_by), handouts(row)) for row in rows]
