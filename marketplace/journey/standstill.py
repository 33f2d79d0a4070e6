"""Step seven: the standstill passes, the tender is awarded, contracts are offered and the rest is released."""

from datetime import timedelta

from sqlalchemy.orm import Session

from marketplace.records import audit
from marketplace.records.contracts import Contract
from marketplace.records.outbox import tell
from marketplace.records.pools import Need, NeedStatus
from marketplace.records.rounds import Match, MatchStatus
from marketplace.records.tenders import Tender
from marketplace.rules.clock import Instant, london_date, london_midnight_after
from marketplace.rules.errors import WrongState
from marketplace.rules.lifecycle import TENDER_MOVES, ContractStatus, TenderStatus, check_move
from marketplace.rules.permissions import Actor, Role, check_role

from .awards import matches_of
from .reservations import release
from .scopes import locked
from .tenders import needs_of

SIGN_WITHIN_DAYS = 14
RECORD_WITHIN_DAYS = 14
"""How long after the period's last day a provider may still record what was delivered in it."""


def end_standstill(session: Session, now: Instant, actor: Actor, tender_id: str) -> Tender:
    """Status: standstill -> awarded. Only time brings this about: the scheduler calls it when midnight has passed.

    Raises
    ------
    WrongState
        If the standstill has not ended.
    """
    check_role(actor, Role.SYSTEM)
    tender = locked(session, Tender, tender_id, "tender")
    check_move(TENDER_MOVES, tender.status, TenderStatus.AWARDED)
    if tender.standstill_ends_at is None or now < tender.standstill_ends_at:
        raise WrongState("standstill_runs", "The standstill has not ended yet.")
    accepted = [match for match in matches_of(session, tender) if match.status is MatchStatus.ACCEPTED]
    sign_by = london_midnight_after(london_date(now) + timedelta(days=SIGN_WITHIN_DAYS))
    for match in accepted:
        session.add(_contract(match, now, sign_by))
    matched_ids = {match.need_id for match in accepted}
    rest = [need for need in needs_of(session, tender) if need.id not in matched_ids and _held(need)]
    released_pence = sum(
        release(session, now, actor, need, status=NeedStatus.RELEASED, reason="No offer could be matched")
        for need in rest
    )
    tender.status = TenderStatus.AWARDED
    tender.awarded_at = now
    session.flush()
    audit.append(
        session, now, actor, "tender.awarded", tender.id, contracts=len(accepted), released_pence=released_pence
    )
    parties = {match.need.patient_id for match in accepted} | {match.award.offer.provider_id for match in accepted}
    tell(session, now, parties, "contract_offered", tender.id)
    tell(session, now, [need.patient_id for need in rest], "not_matched", tender.id)
    return tender


def _held(need: Need) -> bool:
    return need.status in (NeedStatus.POOLED, NeedStatus.UNMATCHED)


def _contract(match: Match, now: Instant, sign_by: Instant) -> Contract:
    need, offer = match.need, match.award.offer
    return Contract(
        match_id=match.id,
        need_id=need.id,
        patient_id=need.patient_id,
        provider_id=offer.provider_id,
        site_id=offer.site_id or "",
        budget_id=need.budget_id,
        status=ContractStatus.OFFERED,
        units=need.units,
        charge_pence=match.charge_pence,
        pool_pence=match.pool_pence,
        offered_at=now,
        sign_by=sign_by,
        ends_at=london_midnight_after(need.bundle.period_to + timedelta(days=RECORD_WITHIN_DAYS)),
    )
