"""The only entry of time: `run_due` does whatever has fallen due by `now`, each in a transaction of its own.

One thing that fails does not hold up the others: it is reported and tried again next time.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from marketplace.records.budgets import Budget
from marketplace.records.contracts import Contract, Delivery, DeliveryStatus
from marketplace.records.database import writing
from marketplace.records.rounds import Award, Match, MatchStatus, Round
from marketplace.records.tenders import Tender
from marketplace.rules.clock import Instant
from marketplace.rules.errors import DomainError
from marketplace.rules.lifecycle import ContractStatus, TenderStatus
from marketplace.rules.permissions import SYSTEM

from . import second_steps, totals, tries
from .awards import answer_by_default, confirm_ran_out
from .budgets import remind_of_review, review_is_due
from .contracts import let_lapse, past_their_end, run_out
from .deliveries import confirm_by_silence
from .funds import expire_budget, left_over
from .representatives import expire_authority, expired_authorities
from .reviews import review_ran_out
from .rounds import TO_RUN_AGAIN
from .standstill import end_standstill
from .supporters import expire_supporter, expired_supporters
from .tenders import close_tender, draft_ran_out, match_ran_out

Act = Callable[[Session, Instant, str], object]


NOT_MATCHED = (TenderStatus.CLOSED, TenderStatus.MATCHING, TenderStatus.UNDER_REVIEW)


@dataclass(frozen=True, slots=True)
class Done:
    """One thing that time brought about, or could not."""

    what: str
    about_id: str
    error: str | None = None


def run_due(session: Session, now: Instant) -> list[Done]:
    """Delete abandoned drafts, close tenders, answer for the silent, end standstills, lapse contracts, confirm
    deliveries, remind of reviews, let supporters go, return what ended budgets have left: all that is due. And tidy up.
    """
    done = []
    for what, query, act in _due(now):
        ids = list(session.scalars(query))
        session.rollback()
        for about_id in ids:
            try:
                with writing(session):
                    act(session, now, about_id)
                done.append(Done(what, about_id))
            except DomainError as error:
                done.append(Done(what, about_id, error=error.code))
    totals.refresh(session, now)
    tries.forget(session, now)
    second_steps.forget(session, now)
    return done


def _some_silent(now: Instant) -> ColumnElement[bool]:
    """Whether the time of somebody who has not answered is over: with extra support it runs longer than others'."""
    query = select(Match.id).join(Match.award).join(Award.round)
    is_over = (Match.status == MatchStatus.PROPOSED) & (Match.answer_by <= now)
    return query.where(Round.tender_id == Tender.id, is_over).correlate(Tender).exists()


def _due(now: Instant) -> Iterator[tuple[str, Select[str], Act]]:
    tenders = select(Tender.id).order_by(Tender.id)
    yield (
        "not_published_in_time",
        tenders.where(Tender.status == TenderStatus.DRAFT, Tender.publish_by <= now),
        draft_ran_out,
    )
    yield (
        "offers_closed",
        tenders.where(Tender.status == TenderStatus.OPEN, Tender.offers_due_at <= now),
        lambda session, at, tender_id: close_tender(session, at, SYSTEM, tender_id),
    )
    yield (
        "answers_by_default",
        tenders.where(Tender.status == TenderStatus.PROPOSED, ~TO_RUN_AGAIN, _some_silent(now)),
        answer_by_default,
    )
    yield (
        "standstill_ended",
        tenders.where(Tender.status == TenderStatus.STANDSTILL, Tender.standstill_ends_at <= now),
        lambda session, at, tender_id: end_standstill(session, at, SYSTEM, tender_id),
    )
    yield (
        "not_matched_in_time",
        tenders.where(Tender.status.in_(NOT_MATCHED), Tender.match_by <= now),
        match_ran_out,
    )
    yield (
        "not_confirmed_in_time",
        tenders.where(Tender.status == TenderStatus.PROPOSED, Tender.confirm_by <= now),
        confirm_ran_out,
    )
    yield (
        "not_decided_in_time",
        tenders.where(Tender.status == TenderStatus.UNDER_REVIEW, Tender.review_by <= now),
        review_ran_out,
    )
    yield ("authority_expired", expired_authorities(now), expire_authority)
    yield (
        "contract_lapsed",
        select(Contract.id).where(Contract.status == ContractStatus.OFFERED, Contract.sign_by <= now),
        let_lapse,
    )
    yield (
        "delivery_confirmed_by_silence",
        select(Delivery.id).where(Delivery.status == DeliveryStatus.RECORDED, Delivery.confirm_by <= now),
        confirm_by_silence,
    )
    yield "contract_ran_out", past_their_end(now), run_out
    yield "plan_review_due", select(Budget.id).where(review_is_due(now)).order_by(Budget.id), remind_of_review
    yield "support_over", expired_supporters(now), expire_supporter
    # last, so that whatever became free just now is returned just now
    yield "budget_expired", left_over(now), expire_budget
