"""Step six: patients answer their matches; the broker confirms what stands, with reasons.

`accept_match` and `decline_match` are a patient's; silence means what the patient chose when agreeing
(`answer_by_default`). `waive_minimum` is a provider's; `confirm_award` the broker's.
"""

from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from marketplace.adapters.calendar import england_holidays
from marketplace.records import audit
from marketplace.records.ledger import hold
from marketplace.records.outbox import tell
from marketplace.records.pools import DefaultAnswer, Need, NeedStatus
from marketplace.records.rounds import Award, Match, MatchStatus, Round
from marketplace.records.tenders import Tender
from marketplace.rules.awarding import LineDemand, Remaining, award_shortfall, check_award_reasons
from marketplace.rules.clock import Instant, standstill_ends
from marketplace.rules.errors import WrongState
from marketplace.rules.lifecycle import TENDER_MOVES, TenderStatus, check_move
from marketplace.rules.permissions import SYSTEM, Actor, Role, Scope, check_owner, check_scope
from marketplace.rules.sharing import check_pool_covered
from marketplace.rules.tendering import OfferTerms

from .pools import valid_consent
from .reservations import release
from .rounds import latest_round, must_run_again
from .scopes import locked
from .tenders import give_up

STAYING = (MatchStatus.PROPOSED, MatchStatus.ACCEPTED)
"""Matches that were not refused."""


def accept_match(session: Session, now: Instant, actor: Actor, match_id: str) -> Match:
    """A patient says yes to a provider and a charge. The charge is a ceiling from here on.

    Raises
    ------
    WrongState
        If the match was answered already, the time to answer is over, or the match is to be made again.
    """
    match, tender = _own_open_match(session, now, actor, match_id)
    return _answer(session, now, actor, match, tender, accepted=True, reason=None)


def decline_match(
    session: Session, now: Instant, actor: Actor, match_id: str, reason: str, *, look_again: bool = True
) -> Match:
    """A patient says no, and why. What was held goes back to the budget; the conventional package stays open.

    With `look_again` a rematch may find them another provider in this tender, if the money is still there then.
    """
    match, tender = _own_open_match(session, now, actor, match_id)
    match.look_again = look_again
    stood = _that_stand(_of_award(session, match.award_id))
    _answer(session, now, actor, match, tender, accepted=False, reason=reason.strip() or None)
    _tell_below_minimum(session, now, stood)
    return match


def decline_on_leaving(session: Session, now: Instant, actor: Actor, match_id: str, reason: str) -> Match:
    """A no as part of leaving the budget (`leaving`): nobody looks again, and a match to be made again counts too.

    Nobody is asked about such a match, nor answered for when its time passes, so that neither may hold anybody back.
    """
    match, tender = _own_match(session, actor, match_id)
    if not can_decline_on_leaving(now, match, tender):
        _check_can_answer(now, match, tender)
    match.look_again = False
    stood = [] if must_run_again(tender) else _that_stand(_of_award(session, match.award_id))
    _answer(session, now, actor, match, tender, accepted=False, reason=reason)
    _tell_below_minimum(session, now, stood)
    return match


def can_decline_on_leaving(now: Instant, match: Match, tender: Tender) -> bool:
    """Whether a match waits for its patient, in time, or for being made again."""
    waits = tender.status is TenderStatus.PROPOSED and match.status is MatchStatus.PROPOSED
    return waits and (must_run_again(tender) or now < match.answer_by)


def answer_by_default(session: Session, now: Instant, tender_id: str) -> int:
    """When a patient's time to answer is over, silence means what they chose; returns for how many it was over.

    Whoever has more time, because of extra support, is still waited for. Nobody is answered for about a match that
    counts no longer: they are asked again once it is made anew.
    """
    tender = locked(session, Tender, tender_id, "tender")
    if must_run_again(tender):
        return 0
    matches = matches_of(session, tender)
    silent = [match for match in matches if match.status is MatchStatus.PROPOSED and match.answer_by <= now]
    stood = _that_stand(matches) if silent else []
    hold(session, [match.need.budget_id for match in silent])
    for match in silent:
        consent = valid_consent(match.need, tender)
        accepted = consent is not None and consent.default_answer is DefaultAnswer.ACCEPT
        _answer(session, now, SYSTEM, match, tender, accepted=accepted, reason=None)
    _tell_below_minimum(session, now, stood)
    return len(silent)


def waive_minimum(session: Session, now: Instant, actor: Actor, award_id: str) -> Award:
    """A provider agrees to deliver at the same prices although refusals took the award below its minimum."""
    tender_id = session.scalar(select(Round.tender_id).join(Award).where(Award.id == award_id))
    tender = locked(session, Tender, tender_id or "", "award")  # nothing is waived after its confirmation
    award = locked(session, Award, award_id, "award")
    check_owner(actor, Role.PROVIDER, award.offer.provider_id, "award")
    if tender.status is not TenderStatus.PROPOSED or award.waived_at is not None:
        raise WrongState("cannot_waive", "There is nothing to waive now.")
    award.waived_at = now
    audit.append(session, now, actor, "award.minimum_waived", award.id)
    return award


def confirm_award(session: Session, now: Instant, actor: Actor, tender_id: str, reasons: str) -> Tender:
    """Status: proposed -> standstill, or proposed -> unsuccessful when nobody is left.

    An award that refusals took below its provider's minimum, and that the provider did not waive, falls; its patients
    are displaced, told first, and their money is free again. Nobody's price rises for those who stay.

    Raises
    ------
    WrongState
        If patients still have time to answer, the reasons are missing, an offer was left out (then the match is run
        again first), or those who gave to a shared pool are gone and what the others receive is not covered any more:
        then a rematch comes first.
    """
    tender = locked(session, Tender, tender_id, "tender")
    check_owner(actor, Role.BROKER, tender.broker_id, "tender")
    check_move(TENDER_MOVES, tender.status, TenderStatus.STANDSTILL)
    written = check_award_reasons(reasons)
    if must_run_again(tender):
        raise WrongState("offer_excluded", "An offer was left out since the matching: run the matching again first.")
    matches = matches_of(session, tender)
    waiting = sum(match.status is MatchStatus.PROPOSED for match in matches)
    if waiting:
        who = "1 patient has" if waiting == 1 else f"{waiting:,} patients have"
        raise WrongState("answers_missing", f"{who} not answered yet.", waiting=waiting)
    displaced = _let_fall(session, now, actor, matches)
    if displaced:
        tell(session, now, [match.need.patient_id for match in displaced], "match_displaced", tender.id)
    standing = [match for match in matches if match.status is MatchStatus.ACCEPTED]
    check_pool_covered([match.pool_pence for match in standing])
    if not standing:
        reason = f"Nobody said yes to a match, or too few did. {written}"
        return give_up(session, now, actor, tender, status=TenderStatus.UNSUCCESSFUL, reason=reason)
    tender.status = TenderStatus.STANDSTILL
    tender.award_reasons = written
    tender.standstill_from = now
    tender.confirm_by = None
    days = tender.policy["process"]["standstill_working_days"]
    tender.standstill_ends_at = standstill_ends(now, days, england_holidays())
    audit.append(session, now, actor, "award.confirmed", tender.id, accepted=len(standing), displaced=len(displaced))
    bidders = {offer.provider_id for offer in tender.offers}
    tell(session, now, [*bidders, *(match.need.patient_id for match in standing)], "standstill_began", tender.id)
    return tender


def confirm_ran_out(session: Session, now: Instant, tender_id: str) -> Tender:
    """Status: proposed -> unsuccessful. The broker let the time to confirm pass; every pound is released."""
    tender = locked(session, Tender, tender_id, "tender")
    if tender.confirm_by is None or now < tender.confirm_by:
        raise WrongState("still_time", "There is still time to confirm this award.")
    again = must_run_again(tender)
    reason = "The match was not run again in time." if again else "The broker did not confirm the result in time."
    return give_up(session, now, SYSTEM, tender, status=TenderStatus.UNSUCCESSFUL, reason=reason)


def matches_of(session: Session, tender: Tender) -> list[Match]:
    """The matches of a tender's latest verified round, with what deciding on them needs."""
    row = latest_round(session, tender.id)
    if row is None:
        return []
    return list(
        session.scalars(
            select(Match)
            .join(Match.award)
            .where(Award.round_id == row.id)
            .options(
                joinedload(Match.award).joinedload(Award.offer),
                joinedload(Match.need).options(selectinload(Need.consents), joinedload(Need.bundle)),
            )
            .order_by(Match.id)
        )
    )


def shortfall(award: Award, matches: list[Match]) -> str | None:
    """The rule that an award misses with those of its matches that were not refused; None while it stands.

    What its provider has waived counts as kept, as long as anybody is left.
    """
    staying = [match for match in matches if match.status in STAYING]
    units_of: dict[str, int] = defaultdict(int)
    for match in staying:
        units_of[match.need.bundle_id] += match.need.units
    return shortfall_with(award, units_of, sum(match.fee_share_pence for match in staying))


def shortfall_with(award: Award, units_of: Mapping[str, int], fee_covered_pence: int) -> str | None:
    """The same from sums: the units still served by lot, and what of the fee those who stay pay."""
    terms = OfferTerms.from_document(award.offer.content or {})
    missed = award_shortfall(
        Remaining(
            lines=tuple(LineDemand(line.bundle, units_of.get(line.bundle, 0), line.min_units) for line in terms.lines),
            min_units=terms.min_units,
            band_from_units=terms.bands[award.tier],
            fee_pence=award.fee_pence,
            fee_covered_pence=fee_covered_pence,
        )
    )
    return None if award.waived_at is not None and missed != "nobody_left" else missed


def stands(award: Award, matches: list[Match]) -> bool:
    """Whether an award holds with those of its matches that were not refused."""
    return shortfall(award, matches) is None


def _own_open_match(session: Session, now: Instant, actor: Actor, match_id: str) -> tuple[Match, Tender]:
    match, tender = _own_match(session, actor, match_id)
    _check_can_answer(now, match, tender)
    if must_run_again(tender):
        raise WrongState("match_made_again", "An offer was left out, so the match is made again. Then you are asked.")
    return match, tender


def _own_match(session: Session, actor: Actor, match_id: str) -> tuple[Match, Tender]:
    tender_id = session.connection().scalar(
        select(Round.tender_id).join(Award).join(Match, Match.award_id == Award.id).where(Match.id == match_id)
    )
    tender = locked(session, Tender, tender_id or "", "match")  # the tender first, like every step that holds both
    match = locked(session, Match, match_id, "match")
    check_owner(actor, Role.PATIENT, match.need.patient_id, "match")
    check_scope(actor, Scope.MATCHES)
    return match, tender


def _check_can_answer(now: Instant, match: Match, tender: Tender) -> None:
    said = {MatchStatus.ACCEPTED: "yes", MatchStatus.DECLINED: "no"}.get(match.status)
    if said is not None:
        raise WrongState("cannot_answer", f"This match has been answered: with a {said}.")
    if match.status is not MatchStatus.PROPOSED or tender.status is not TenderStatus.PROPOSED:
        raise WrongState("cannot_answer", "This match is not one to answer any more.")
    if now >= match.answer_by:
        raise WrongState("cannot_answer", "The time to answer is over.")


def _answer(
    session: Session, now: Instant, actor: Actor, match: Match, tender: Tender, *, accepted: bool, reason: str | None
) -> Match:
    match.status = MatchStatus.ACCEPTED if accepted else MatchStatus.DECLINED
    match.answered_at = now
    match.answered_by = actor.user_id
    match.decline_reason = None if accepted else reason
    if not accepted:
        release(session, now, actor, match.need, status=NeedStatus.REFUSED, reason="You declined the match")
    audit.append(session, now, actor, f"match.{match.status.value}", match.id, tender=tender.id)
    tell(session, now, [tender.broker_id], f"match_{match.status.value}", match.id)
    return match


def _of_award(session: Session, award_id: str) -> list[Match]:
    query = select(Match).where(Match.award_id == award_id).options(joinedload(Match.need))
    return list(session.scalars(query.order_by(Match.id)))


def _that_stand(matches: list[Match]) -> list[list[Match]]:
    """The matches of each award that stands, award by award."""
    by_award: dict[str, list[Match]] = defaultdict(list)
    for match in matches:
        by_award[match.award_id].append(match)
    return [members for members in by_award.values() if stands(members[0].award, members)]


def _tell_below_minimum(session: Session, now: Instant, stood: list[list[Match]]) -> None:
    """Of the awards that stood: whose provider is asked, once, whether it goes on with those who are left."""
    for members in stood:
        award = members[0].award
        if shortfall(award, members) not in (None, "nobody_left"):
            tell(session, now, [award.offer.provider_id], "award_below_minimum", award.offer_id)


def _let_fall(session: Session, now: Instant, actor: Actor, matches: list[Match]) -> list[Match]:
    by_award: dict[str, list[Match]] = defaultdict(list)
    for match in matches:
        by_award[match.award_id].append(match)
    hold(session, [match.need.budget_id for match in matches])
    displaced = []
    for members in by_award.values():
        if shortfall(members[0].award, members) is None:
            continue
        for match in members:
            if match.status is MatchStatus.ACCEPTED:
                match.status = MatchStatus.DISPLACED
                reason = "Too few patients were left for this provider"
                release(session, now, actor, match.need, status=NeedStatus.DISPLACED, reason=reason)
                displaced.append(match)
    return displaced
