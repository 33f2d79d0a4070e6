"""A group as somebody who is asked to join it reads of it: `group_of`; and `money_now`, once it is over for them.

Who is asked and has joined (nothing is said of a few), why somebody is asked again, and how the group ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.journey.figures import NOT_IN_THE_POOL
from marketplace.records.audit import AuditEvent
from marketplace.records.contracts import Contract
from marketplace.records.ledger import Transfer
from marketplace.records.offers import OfferStatus
from marketplace.records.people import Authority
from marketplace.records.pools import Consent, DefaultAnswer, Need, NeedStatus
from marketplace.records.rounds import Match, MatchStatus
from marketplace.records.tenders import Amendment, AmendmentKind, Tender
from marketplace.rules.clock import Instant, london_date, london_midnight_after
from marketplace.rules.lifecycle import GIVEN_UP, LotResult, TenderStatus
from marketplace.rules.money import Pence
from marketplace.rules.permissions import Role
from marketplace.rules.privacy import whole_groups

from .care import answer_by
from .policy_words import changes
from .stages import is_looked_for, is_matching, latest_match
from .way import answer_if_silent, answered_for

COLLECTING = frozenset({TenderStatus.DRAFT, TenderStatus.OPEN})
"""Tenders whose groups people still join and leave."""


@dataclass(frozen=True, slots=True)
class Asked:
    """At least so many people are asked to join a group, with so much money together, and so many have joined.

    Nothing is said of a few.
    """

    people: int
    money_pence: Pence
    joined: int


@dataclass(frozen=True, slots=True)
class Again:
    """Why somebody who had said yes is asked again, in whose words, and what is otherwise now.

    ``rules_changed`` is false where the yes was another person's, who can no longer act. ``as_before``: the rules were
    changed, and are again what the yes was to.
    """

    rules_changed: bool
    as_before: bool
    text: str | None
    changes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Ending:
    """Who ended a group, and why, if somebody has written it; and when."""

    who: str
    why: str | None
    at: Instant | None


class Parting(StrEnum):
    """How somebody's own part ended: they did not join, left, had a match and lost it, or all is over."""

    NOT_JOINED = "not_joined"
    NOT_AGAIN = "not_again"
    LEFT = "left"
    TURNED_DOWN = "turned_down"
    TURNED_DOWN_FOR_THEM = "turned_down_for_them"
    FELL_AWAY = "fell_away"
    OVER = "over"


class MoneyNow(StrEnum):
    """What is true of the money that was meant for a part that is over."""

    NEVER_HELD = "never_held"
    HELD = "held"
    FREE = "free"
    USUAL_CARE = "usual_care"
    BUDGET_OVER = "budget_over"


PARTED = {NeedStatus.LEFT: Parting.LEFT, NeedStatus.RELEASED: Parting.OVER}
"""What a need's own status says, where no match says more."""


@dataclass(frozen=True, slots=True)
class Group:
    """All that a patient reads of a group beside its terms."""

    asked: Asked
    answer_by: Instant | None
    matched_by: Instant | None
    """When the offers will be matched at the latest, once that is known."""
    again: Again | None
    ending: Ending | None
    parting: Parting | None
    looked_for: bool
    """Whether another provider may still be found in this group for somebody who said no to theirs."""
    money: MoneyNow
    match_id: str | None
    matched_again: bool
    """Whether that match counts no longer, because another one is made."""
    match_left_out: bool
    """Whether that is because its own offer was left out: it can no longer be the match."""
    contract_id: str | None
    if_silent: DefaultAnswer | None
    """What they chose for when they do not answer their match; None without a yes that stands."""


def group_of(session: Session, need: Need, now: Instant) -> Group:
    """The group of one of the patient's own needs, as it stands now."""
    tender = need.bundle.tender
    contract_id = session.scalar(select(Contract.id).where(Contract.need_id == need.id))
    over = need.status is NeedStatus.RELEASED and contract_id is None
    match = latest_match(session, need.id)
    given_up = tender.status in GIVEN_UP or need.bundle.result is not LotResult.ACTIVE
    return Group(
        asked=asked_so_far(session, need.bundle_id),
        answer_by=answer_by(tender),
        matched_by=_matched_by(tender),
        again=_again(session, need) if need.status is NeedStatus.INVITED and tender.status in COLLECTING else None,
        ending=_ending(session, need) if over and given_up else None,
        parting=_parting(need, match) if contract_id is None and not (over and given_up) else None,
        looked_for=match is not None and is_looked_for(session, match),
        money=money_now(need, now),
        match_id=match.id if match else None,
        matched_again=is_matching(tender),
        match_left_out=match is not None and is_matching(tender) and match.award.offer.status is OfferStatus.EXCLUDED,
        contract_id=contract_id,
        if_silent=answer_if_silent(need.consents),
    )


def asked_so_far(session: Session, bundle_id: str) -> Asked:
    """Who is asked, in whole groups in the order in which they were: nobody's share is the difference of two looks."""
    query = select(Need.patient_id, Need.budget_pence, Need.status).where(Need.bundle_id == bundle_id)
    share_pence: dict[str, Pence] = {}
    joined = set()
    for patient_id, pence, status in session.execute(query.order_by(Need.invited_at, Need.id)):
        share_pence.setdefault(patient_id, pence)
        if status not in NOT_IN_THE_POOL:
            joined.add(patient_id)
    people = whole_groups(len(share_pence))
    return Asked(people, sum(list(share_pence.values())[:people]), whole_groups(len(joined)))


def _matched_by(tender: Tender) -> Instant | None:
    if tender.status is TenderStatus.OPEN and tender.offers_due_at is not None:
        within = timedelta(days=tender.policy["process"]["match_within_days"])
        return london_midnight_after(london_date(tender.offers_due_at) + within)
    return tender.match_by


def _parting(need: Need, match: Match | None) -> Parting | None:
    """None for whoever is in the group, can still join it, has a match, or was found none."""
    if need.status in (NeedStatus.REFUSED, NeedStatus.RELEASED) and match and match.status is MatchStatus.DECLINED:
        return Parting.TURNED_DOWN_FOR_THEM if answered_for(match) else Parting.TURNED_DOWN
    if need.status is NeedStatus.DISPLACED or (match and match.status is MatchStatus.DISPLACED):
        return Parting.FELL_AWAY if need.status in (NeedStatus.DISPLACED, NeedStatus.RELEASED) else None
    unanswered = need.status is NeedStatus.INVITED and need.bundle.tender.status not in COLLECTING
    if need.status is NeedStatus.DECLINED or unanswered:
        return Parting.NOT_AGAIN if need.consents else Parting.NOT_JOINED
    return PARTED.get(need.status)


def money_now(need: Need, now: Instant) -> MoneyNow:
    """What is true of the money of a need that came to nothing, or to its end."""
    found: list[tuple[bool, MoneyNow]] = [
        (need.plan_line.left_at is not None, MoneyNow.USUAL_CARE),
        (need.reserved_pence > 0, MoneyNow.HELD),
        (need.plan_line.budget.is_over(london_date(now)), MoneyNow.BUDGET_OVER),
        (need.holds > 0, MoneyNow.FREE),
    ]
    return next((money for holds, money in found if holds), MoneyNow.NEVER_HELD)


def _again(session: Session, need: Need) -> Again | None:
    """What has become of the last yes; None for somebody who is asked for the first time."""
    last: Consent | None = max(need.consents, key=lambda consent: consent.given_at, default=None)
    if last is None:
        return None
    tender = need.bundle.tender
    as_before = last.policy_sha256 == tender.policy_sha256
    if as_before and _fell_with_authority(session, last):
        return Again(rules_changed=False, as_before=True, text=None, changes=())
    before = (tender.earlier_policies or {}).get(last.policy_sha256)
    text = session.scalar(
        select(Amendment.text)
        .where(Amendment.tender_id == tender.id, Amendment.kind == AmendmentKind.CHANGE)
        .order_by(Amendment.made_at.desc(), Amendment.id)
        .limit(1)
    )
    told = changes(before, tender.policy, need.bundle.service.unit) if before and not as_before else ()
    return Again(rules_changed=True, as_before=as_before, text=text, changes=told)


def _fell_with_authority(session: Session, consent: Consent) -> bool:
    """Whether a yes is void because the authority of whoever gave it had ended, and not for what came before that."""
    authority = session.get(Authority, consent.authority_id) if consent.authority_id is not None else None
    if authority is None or authority.ended_at is None or consent.void_at is None:
        return False
    return authority.ended_at <= consent.void_at


def _ending(session: Session, need: Need) -> Ending:
    """Who ended it and why: told by the tender; of a lot that ended alone, by the trail and beside the money."""
    tender, bundle = need.bundle.tender, need.bundle
    if tender.status is TenderStatus.UNSUCCESSFUL:
        return Ending("It ended by its own rules: nobody chose this.", tender.status_reason, tender.ended_at)
    if tender.status in GIVEN_UP:
        return Ending(_who_ended(tender, tender.ended_by), tender.status_reason, tender.ended_at)
    lot = (AuditEvent.about_id == bundle.id, AuditEvent.event == "lot.cancelled")
    found = session.execute(select(AuditEvent.role, AuditEvent.at).where(*lot).limit(1)).first()
    role, at = (Role(found.role), found.at) if found else (None, None)
    released = Transfer.idempotency_key == f"release:{need.id}:{need.holds}"
    why = session.scalar(select(Transfer.reason).where(released))
    return Ending(_who_ended(tender, role), why, at)


def _who_ended(tender: Tender, role: Role | None) -> str:
    if role is Role.BROKER:
        return f"Your broker, {tender.broker.name}, ended it."
    return "Your local care team ended it." if role is Role.COMMISSIONER else "Its time ran out."
