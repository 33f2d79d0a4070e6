"""A provider may object during the standstill; somebody else at the commissioner decides, in time, with reasons.

`represent` puts the award on hold; `decide` lets it go on, has it matched again, or ends it; `review_ran_out` is what
time does.
"""

from datetime import timedelta

from sqlalchemy import null, select, update
from sqlalchemy.orm import Session

from marketplace.adapters.calendar import england_holidays
from marketplace.records import audit
from marketplace.records.audit import AuditEvent
from marketplace.records.offers import Offer
from marketplace.records.outbox import tell
from marketplace.records.tenders import CancelCode, Decision, Representation, Tender
from marketplace.rules.clock import (
    Instant,
    add_working_days,
    london_date,
    london_midnight_after,
    working_day_from,
)
from marketplace.rules.errors import Invalid, NotAllowed, NotFound, WrongState
from marketplace.rules.lifecycle import TENDER_MOVES, TenderStatus, check_move
from marketplace.rules.permissions import SYSTEM, Actor, Role, check_owner, check_role

from .reruns import order_rerun
from .scopes import locked, locked_of_tender
from .tenders import give_up


def represent(session: Session, now: Instant, actor: Actor, tender_id: str, grounds: str) -> Representation:
    """Status: standstill -> under_review. A bidder states what it thinks was wrong.

    Raises
    ------
    NotFound
        If this provider did not bid.
    WrongState
        If there is no standstill, or it has ended.
    """
    check_role(actor, Role.PROVIDER)
    tender = locked(session, Tender, tender_id, "tender")
    bid = select(Offer.id).where(
        Offer.tender_id == tender.id, Offer.provider_id == actor.party_id, Offer.opened_at.is_not(None)
    )
    if session.scalar(bid.limit(1)) is None:
        raise NotFound("not_found", "We cannot find that tender among those you made an offer on.")
    if tender.standstill_ends_at is None or now >= tender.standstill_ends_at:
        raise WrongState("standstill_over", "You can object until the pause before the final result ends.")
    check_move(TENDER_MOVES, tender.status, TenderStatus.UNDER_REVIEW)
    if not grounds.strip():
        raise Invalid("grounds_missing", "Write what you think was wrong, and why.", place="grounds")
    row = Representation(tender_id=tender.id, provider_id=actor.party_id, grounds=grounds.strip(), made_at=now)
    session.add(row)
    tender.status = TenderStatus.UNDER_REVIEW
    within = tender.policy["process"]["review_within_days"]
    last = working_day_from(london_date(now) + timedelta(days=within), england_holidays())
    tender.review_by = london_midnight_after(last)
    session.flush()
    audit.append(session, now, actor, "representation.made", row.id, tender=tender.id)
    tell(session, now, [tender.broker_id, tender.broker.commissioner_id], "representation_made", tender.id)
    return row


def decide(
    session: Session, now: Instant, actor: Actor, representation_id: str, decision: Decision, reasons: str
) -> Tender:
    """Status: under_review -> standstill again, or stays for a new round, or -> cancelled.

    With `Decision.RUN_AGAIN` the tender waits, still under review, for its broker to run the round again; the feedback
    on the old result no longer holds, and bidders are told anew when an award is confirmed. Who objected is told what
    was decided, and whoever has a match that it no longer counts.

    Raises
    ------
    NotAllowed
        If the person has had a hand in this tender before: somebody else must decide.
    """
    check_role(actor, Role.COMMISSIONER)
    row, tender = locked_of_tender(session, Representation, representation_id, "representation")
    check_owner(actor, Role.COMMISSIONER, tender.broker.commissioner_id, "representation")
    if row.decided_at is not None or tender.status is not TenderStatus.UNDER_REVIEW:
        raise WrongState("decided", "This objection has been decided.")
    _check_fresh_eyes(session, actor, tender)
    if not reasons.strip():
        message = "Write the reasons for this decision: the provider will read them."
        raise Invalid("reasons_missing", message, place="reasons")
    row.decision, row.reasons, row.decided_by, row.decided_at = decision, reasons.strip(), actor.user_id, now
    audit.append(session, now, actor, "representation.decided", row.id, tender=tender.id, decision=decision.value)
    tell(session, now, [row.provider_id], f"objection_{decision.value}", tender.id)
    tell(session, now, [tender.broker_id], "representation_decided", tender.id)
    if decision is Decision.CANCEL:
        tender.cancelled_code = CancelCode.REVIEW
        reason, knows = row.reasons or "", [row.provider_id]
        return give_up(session, now, actor, tender, status=TenderStatus.CANCELLED, reason=reason, knows=knows)
    tender.review_by = None
    if decision is Decision.RUN_AGAIN:
        order_rerun(session, now, tender)
        within = tender.policy["process"]["match_within_days"]
        tender.match_by = london_midnight_after(london_date(now) + timedelta(days=within))
        session.execute(update(Offer).where(Offer.tender_id == tender.id).values(feedback=null()))
        return tender
    return _stand_still_again(session, now, actor, tender)


def review_ran_out(session: Session, now: Instant, tender_id: str) -> Tender:
    """Status: under_review -> cancelled. Nobody decided in time, and no award is made over an unanswered objection."""
    tender = locked(session, Tender, tender_id, "tender")
    if tender.review_by is None or now < tender.review_by:
        raise WrongState("still_time", "There is still time to decide.")
    tender.cancelled_code = CancelCode.REVIEW_OUT_OF_TIME
    reason = "An objection was not decided in time."
    return give_up(session, now, SYSTEM, tender, status=TenderStatus.CANCELLED, reason=reason)


def _stand_still_again(session: Session, now: Instant, actor: Actor, tender: Tender) -> Tender:
    """The pause goes on: as long as it was published, and at least 5 working days after the decision.

    The least is the law's (SI 2023/1348, regulation 12). The first end stands if it is later: nobody's time to object
    gets shorter by somebody else's objection.
    """
    check_move(TENDER_MOVES, tender.status, TenderStatus.STANDSTILL)
    days = tender.policy["process"]["review_standstill_working_days"]
    tender.status = TenderStatus.STANDSTILL
    least = london_midnight_after(add_working_days(london_date(now), days, england_holidays()))
    published = tender.standstill_ends_at
    tender.standstill_ends_at = least if published is None else max(least, published)
    audit.append(session, now, actor, "standstill.resumed", tender.id)
    return tender


def _check_fresh_eyes(session: Session, actor: Actor, tender: Tender) -> None:
    """Who decides has not acted on this tender, nor decided about it before."""
    earlier = select(Representation.id).where(Representation.tender_id == tender.id)
    acted = session.scalar(
        select(AuditEvent.number)
        .where(
            AuditEvent.actor_id == actor.user_id,
            (AuditEvent.about_id == tender.id) | AuditEvent.about_id.in_(earlier),
        )
        .limit(1)
    )
    if acted is not None:
        raise NotAllowed(
            "not_independent", "You have acted on this tender before: a colleague must decide this objection."
        )
