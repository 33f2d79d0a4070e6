"""What a patient takes away to check a published result: their own rows, and the way from these to the roots.

`published_round` is the round that a tender's notice speaks of; `own_proof` is one patient's file of it, and
`own_part_holds` the answer that this file gives.
"""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from marketplace.records.pools import Need
from marketplace.records.rounds import Round
from marketplace.records.tenders import Tender
from marketplace.rules.errors import NotFound, WrongState
from marketplace.rules.lifecycle import RESULT_PUBLISHED
from marketplace.rules.permissions import Actor, Role, check_role
from marketplace.rules.proof_files import check_proof, proof_document

from .roots import kept_trees
from .rounds import latest_round_id
from .scopes import needs_for, one


def published_round(session: Session, tender: Tender) -> Round:
    """The round whose hashes and roots a tender's notice shows; its documents are loaded when they are asked for.

    Raises
    ------
    WrongState
        If the tender has no published result.
    """
    round_id = published_round_id(session, tender)
    without_documents = select(Round).options(defer(Round.market), defer(Round.outcome))
    row = session.scalar(without_documents.where(Round.id == round_id)) if round_id else None
    if row is None:
        raise WrongState("no_result", "There is no published result to check yet.")
    return row


def published_round_id(session: Session, tender: Tender) -> str | None:
    """Its id alone, or None where there is none: pages that only offer the file need no more."""
    return latest_round_id(session, tender.id) if tender.status in RESULT_PUBLISHED else None


def own_proof(session: Session, actor: Actor, need_id: str) -> dict[str, Any]:
    """A patient's own rows of the published round with their proofs: a carepool-proof/1 document.

    Raises
    ------
    NotFound
        If the need is somebody else's, or was not in that round.
    WrongState
        If there is no published result.
    """
    need, row = own_round(session, actor, need_id)
    return proof_document(tender=row.tender_id, round_id=row.id, need=need.id, trees=kept_trees(session, row))


def own_part_holds(session: Session, actor: Actor, need_id: str) -> bool:
    """Whether a patient's own rows lead to the roots that the notice shows, as anybody who has the file can find."""
    _, row = own_round(session, actor, need_id)
    roots = [root for root in (row.market_root, row.outcome_root) if root]
    return all(finding.holds for finding in check_proof(own_proof(session, actor, need_id), roots))


def own_round(session: Session, actor: Actor, need_id: str) -> tuple[Need, Round]:
    """A patient's own need and the published round it was in; nobody else takes rows away one by one.

    Raises
    ------
    NotFound, WrongState
        As `own_proof` says.
    """
    check_role(actor, Role.PATIENT)
    need = one(session, needs_for(actor), need_id, "group")
    row = published_round(session, need.bundle.tender)
    if not kept_trees(session, row)["market"].has("need", need.id):
        raise NotFound("not_in_round", "You were not in the last matching of this group, so nothing of it is yours.")
    return need, row
