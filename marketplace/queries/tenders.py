"""A broker's tenders: `own_tenders` with what each waits for (those that are `Asked` for), `tender_row`.

Counts come by one grouped query for all tenders at once, so that sixty tenders cost no more questions than one.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, String, case, func, select
from sqlalchemy.orm import Session, selectinload

from marketplace.adapters.calendar import england_holidays
from marketplace.journey.rounds import RUN_AGAIN_BY, TO_RUN_AGAIN, must_run_again, run_again_by
from marketplace.journey.scopes import one, tenders_for
from marketplace.records.contracts import Contract
from marketplace.records.offers import Offer, OfferStatus
from marketplace.records.pools import Bundle, Need, NeedStatus
from marketplace.records.rounds import Award, Match, MatchStatus, Round, RoundStatus
from marketplace.records.tenders import Tender
from marketplace.rules.clock import Instant, london_date
from marketplace.rules.lifecycle import ContractStatus, TenderStatus
from marketplace.rules.permissions import Actor
from marketplace.rules.tendering import award_day, publish_for

from .states import COLOURS, RUN_AGAIN, WORDS, choices, in_state, lapse_words, state_of
from .words import day, plural

Counts = Mapping[str, int]

ANSWERED = "answered"
"""The state of a proposal that everybody has answered: it waits for its broker, who alone is shown it so."""
OWN_WORDS: Mapping[str, str] = {**WORDS, ANSWERED: "All answers are in"}
OWN_COLOURS: Mapping[str, str] = {**COLOURS, ANSWERED: "yellow"}
MINE, OTHERS = "mine", "others"
TURNS = {MINE: "Mine", OTHERS: "Somebody else's, with a date"}
WITH_DEADLINE = (
    TenderStatus.OPEN,
    TenderStatus.MATCHING,
    TenderStatus.PROPOSED,
    TenderStatus.STANDSTILL,
    TenderStatus.UNDER_REVIEW,
)
BY_WORDS = {
    TenderStatus.DRAFT: "Publish it by",
    TenderStatus.OPEN: "Offers by",
    TenderStatus.CLOSED: "Start the match by",
    TenderStatus.MATCHING: "Match by",
    TenderStatus.PROPOSED: "Confirm the award by",
    TenderStatus.STANDSTILL: "Final at",
    TenderStatus.UNDER_REVIEW: "Decision by",
}

GROUPS = select(func.count()).where(Bundle.tender_id == Tender.id).correlate(Tender).scalar_subquery()
PEOPLE = (
    select(func.count())
    .select_from(Need)
    .join(Need.bundle)
    .where(Bundle.tender_id == Tender.id, Need.status.not_in((NeedStatus.DECLINED, NeedStatus.LEFT)))
    .correlate(Tender)
    .scalar_subquery()
)
UNANSWERED = (
    select(Match.id)
    .join(Award, Award.id == Match.award_id)
    .join(Round, Round.id == Award.round_id)
    .where(Round.tender_id == Tender.id, Match.status == MatchStatus.PROPOSED)
    .correlate(Tender)
    .exists()
)
_IN_ORDER = list(COLOURS)
_IN_ORDER.insert(_IN_ORDER.index(TenderStatus.PROPOSED.value) + 1, ANSWERED)
ALL_ANSWERED = (Tender.status == TenderStatus.PROPOSED) & ~UNANSWERED & ~TO_RUN_AGAIN
NEXT_DATE = case(
    (TO_RUN_AGAIN, RUN_AGAIN_BY),
    (Tender.status == TenderStatus.DRAFT, Tender.publish_by),
    (Tender.status == TenderStatus.OPEN, Tender.offers_due_at),
    (Tender.status.in_((TenderStatus.CLOSED, TenderStatus.MATCHING)), Tender.match_by),
    ((Tender.status == TenderStatus.PROPOSED) & UNANSWERED, Tender.answers_due_at),
    (Tender.status == TenderStatus.PROPOSED, Tender.confirm_by),
    (Tender.status == TenderStatus.STANDSTILL, Tender.standstill_ends_at),
    (Tender.status == TenderStatus.UNDER_REVIEW, Tender.review_by),
)
"""What a list of tenders can be ordered by beside their own columns; `NEXT_DATE` is what `TenderRow.by` says."""


@dataclass(frozen=True, slots=True)
class TenderRow:
    """One tender in a list: its counts, and what it waits for."""

    tender: Tender
    lots: int
    needs: Counts
    offers: int
    matches: Counts
    contracts: Counts
    left_out: Sequence[tuple[str, Instant]]

    @property
    def state(self) -> str:
        """The state that its broker is shown."""
        proposed = self.tender.status is TenderStatus.PROPOSED and not self.must_run_again
        return ANSWERED if proposed and not self.unanswered else state_of(self.tender)

    @property
    def words(self) -> str:
        """Its state, in words."""
        return OWN_WORDS[self.state]

    @property
    def colour(self) -> str:
        """The colour of its tag."""
        return OWN_COLOURS[self.state]

    @property
    def must_run_again(self) -> bool:
        """Whether its match counts no longer."""
        return must_run_again(self.tender)

    @property
    def people(self) -> int:
        """How many people are in it, or asked to be."""
        return sum(self.needs.values()) - self.needs.get("declined", 0) - self.needs.get("left", 0)

    @property
    def unanswered(self) -> int:
        """How many matches wait for their patient."""
        return self.matches.get("proposed", 0)

    @property
    def waits_for_answers(self) -> bool:
        """Whether it is the patients' turn to answer a match that counts."""
        return self.tender.status is TenderStatus.PROPOSED and self.unanswered > 0 and not self.must_run_again

    def action(self, now: Instant) -> str | None:
        """What the broker can do now, or None where it is somebody else's turn."""
        due_at = self.tender.offers_due_at
        if self.tender.status is TenderStatus.DRAFT:
            return _draft_action(self)
        if self.tender.status is TenderStatus.OPEN and due_at is not None and due_at <= now:
            return "Open the offers"
        if self.must_run_again:
            return "Run the match again"
        if self.tender.status is TenderStatus.CLOSED:
            return "Run the match"
        if self.tender.status is TenderStatus.PROPOSED and not self.unanswered:
            return "Confirm the award"
        return None

    def waits_for(self, now: Instant) -> str:
        """Whose turn it is, in words."""
        status = self.tender.status
        if self.must_run_again:
            return _why_again(self)
        if status is TenderStatus.DRAFT:
            return _draft_words(self)
        if status is TenderStatus.OPEN:
            return "The deadline has passed" if self.action(now) else _open_words(self)
        if status is TenderStatus.CLOSED:
            return f"{plural(self.offers, 'offer')} came in"
        if status is TenderStatus.PROPOSED:
            asked = sum(self.matches.values())
            told = f"{asked - self.unanswered:,} of {plural(asked, 'person has', 'people have')} answered"
            return told if self.unanswered else f"{told}: it is your turn"
        return _signed_words(self) if status is TenderStatus.AWARDED else _reason_words(self.tender)

    def by(self) -> Instant | None:
        """The deadline it runs towards: the broker's own where it is the broker's turn."""
        tender = self.tender
        if self.must_run_again:
            return run_again_by(tender)
        return {
            TenderStatus.DRAFT: tender.publish_by,
            TenderStatus.OPEN: tender.offers_due_at,
            TenderStatus.CLOSED: tender.match_by,
            TenderStatus.MATCHING: tender.match_by,
            TenderStatus.PROPOSED: tender.answers_due_at if self.waits_for_answers else tender.confirm_by,
            TenderStatus.STANDSTILL: tender.standstill_ends_at,
            TenderStatus.UNDER_REVIEW: tender.review_by,
        }.get(tender.status)

    @property
    def by_words(self) -> str:
        """What has to be done by then."""
        if self.must_run_again:
            return "Run the match again by"
        if self.waits_for_answers:
            return "Answers by"
        return BY_WORDS.get(self.tender.status, "")

    @property
    def care_begins_on(self) -> date | None:
        """The first day of care of its earliest group."""
        return min((bundle.period_from for bundle in self.tender.lots), default=None)

    @property
    def publish_for_care_by(self) -> date | None:
        """A draft's last day to be published for care in time, where it may lie longer than that; None where not."""
        tender, begins_on = self.tender, self.care_begins_on
        if tender.status is not TenderStatus.DRAFT or tender.publish_by is None or begins_on is None:
            return None
        last = self._publish_for(begins_on)
        return last if london_date(tender.publish_by) > last else None

    @property
    def days_to_award(self) -> int | None:
        """How long it is from the last day for offers to the contracts, if that day is as late as care allows."""
        begins_on = self.care_begins_on
        if begins_on is None:
            return None
        offers_close_on = self._publish_for(begins_on) + timedelta(days=1)
        return (award_day(offers_close_on, *self._way_to_award) - offers_close_on).days

    def _publish_for(self, care_begins_on: date) -> date:
        return publish_for(care_begins_on, *self._way_to_award)

    @property
    def _way_to_award(self) -> tuple[int, int, frozenset[date]]:
        process = self.tender.policy["process"]
        return self.tender.answer_days, process["standstill_working_days"], england_holidays()

    def lapses_at(self, now: Instant) -> Instant | None:
        """When it ends (a draft: is deleted) if its broker does nothing; None where nothing ends by that."""
        opens_itself = self.tender.status is TenderStatus.OPEN
        return None if opens_itself or self.action(now) is None else self.by()

    @property
    def if_not(self) -> str:
        """What becomes of it then, in words."""
        return lapse_words(self.tender.status)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which of the broker's tenders are asked for: of one status, or one state as pages name it (`states`), with words
    in the title, by whose turn it is.
    """

    status: TenderStatus | None = None
    words: str = ""
    turn: str = ""
    state: str = ""

    def query(self, actor: Actor, now: Instant) -> Select[Tender]:
        """The broker's tenders that fit."""
        query = tenders_for(actor)
        if self.status is not None:
            query = query.where(Tender.status == self.status)
        if self.state in OWN_WORDS:
            query = query.where(in_own_state(self.state))
        if self.words:
            query = query.where(Tender.title.icontains(self.words, autoescape=True))
        if self.turn in TURNS:
            mine = _waits_for_broker(now)
            query = query.where(mine if self.turn == MINE else ~mine & Tender.status.in_(WITH_DEADLINE))
        return query


def own_tenders(
    session: Session,
    actor: Actor,
    now: Instant,
    which: Asked,
    *,
    first: int,
    size: int,
    order: ColumnElement[Any] | None = None,
) -> list[TenderRow]:
    """Some of the broker's tenders, the newest first unless another order is asked for."""
    ordered = which.query(actor, now).order_by(Tender.created_at.desc() if order is None else order, Tender.id)
    page = ordered.offset(first).limit(size).options(selectinload(Tender.bundles))
    return _rows(session, session.scalars(page).all())


def tender_count(session: Session, actor: Actor, now: Instant, which: Asked) -> int:
    """How many of the broker's tenders fit."""
    return session.scalar(select(func.count()).select_from(which.query(actor, now).subquery())) or 0


def in_own_state(state: str) -> ColumnElement[bool]:
    """Those that `TenderRow.state` shows in this state."""
    if state == ANSWERED:
        return ALL_ANSWERED
    return in_state(state) & ~ALL_ANSWERED if state == TenderStatus.PROPOSED.value else in_state(state)


def own_choices() -> list[tuple[str, str]]:
    """What the broker's list can be narrowed to: all states in the order of a tender's life."""
    return choices(TenderStatus.DELETED, in_order=_IN_ORDER, words=OWN_WORDS)


def tenders_by_state(session: Session, actor: Actor) -> dict[str, int]:
    """How many of the broker's tenders are shown in which state, in the order of a tender's life."""
    state = case((TO_RUN_AGAIN, RUN_AGAIN), (ALL_ANSWERED, ANSWERED), else_=Tender.status.cast(String))
    shown = tenders_for(actor).with_only_columns(state.label("state")).subquery()
    counts = select(shown.c.state, func.count()).group_by(shown.c.state)
    found = {state: count for state, count in session.execute(counts)}  # noqa: C416 - rows, not pairs
    return {state: found[state] for state in _IN_ORDER if state in found}


def tender_row(session: Session, actor: Actor, tender_id: str) -> TenderRow:
    """One of the broker's own tenders."""
    return _rows(session, [one(session, tenders_for(actor), tender_id, "tender")])[0]


def _waits_for_broker(now: Instant) -> ColumnElement[bool]:
    """What `TenderRow.action` says, asked of the database."""
    return (
        Tender.status.in_((TenderStatus.DRAFT, TenderStatus.CLOSED))
        | ((Tender.status == TenderStatus.OPEN) & (Tender.offers_due_at <= now))
        | ((Tender.status == TenderStatus.PROPOSED) & ~UNANSWERED)
        | TO_RUN_AGAIN
    )


def _open_words(row: TenderRow) -> str:
    """An open tender whose rules changed also waits for those who are asked again."""
    again = row.needs.get(NeedStatus.INVITED.value, 0)
    return (
        f"Waiting for offers. {plural(again, 'person is', 'people are')} asked again" if again else "Waiting for offers"
    )


def _signed_words(row: TenderRow) -> str:
    made = sum(row.contracts.values())
    signed = made - row.contracts.get(ContractStatus.OFFERED.value, 0)
    return f"{signed:,} of {plural(made, 'contract is', 'contracts are')} signed"


GOING_ON = {
    TenderStatus.MATCHING: "The match is running",
    TenderStatus.STANDSTILL: "The result is out, and bidders can object",
    TenderStatus.UNDER_REVIEW: "A provider has objected",
}


def _reason_words(tender: Tender) -> str:
    return GOING_ON.get(tender.status) or tender.status_reason or ""


def _why_again(row: TenderRow) -> str:
    if row.tender.status is TenderStatus.UNDER_REVIEW:
        return "An objection was upheld"
    if row.tender.status is TenderStatus.CLOSED:
        return "An objection was upheld, and the new match came to no result"
    return ", and ".join(f"{alias} was left out on {day(at)}" for alias, at in row.left_out)


def _draft_words(row: TenderRow) -> str:
    joined, silent = row.needs.get("agreed", 0), plural(row.needs.get("invited", 0), "person has", "people have")
    told = f"{plural(joined, 'person has', 'people have')} joined" if joined else "Nobody has joined yet"
    return f"{told}; {silent} not answered" if row.needs.get("invited", 0) else told


def _draft_action(row: TenderRow) -> str:
    if not row.lots:
        return "Build a group"
    return "Publish" if row.needs.get("agreed") else "See the answers"


def _rows(session: Session, tenders: Sequence[Tender]) -> list[TenderRow]:
    ids = [tender.id for tender in tenders]
    needs = _grouped(
        session,
        select(Bundle.tender_id, Need.status, func.count())
        .join(Need.bundle)
        .where(Bundle.tender_id.in_(ids))
        .group_by(Bundle.tender_id, Need.status),
    )
    contracts = _grouped(
        session,
        select(Bundle.tender_id, Contract.status, func.count())
        .join(Need, Need.id == Contract.need_id)
        .join(Need.bundle)
        .where(Bundle.tender_id.in_(ids))
        .group_by(Bundle.tender_id, Contract.status),
    )
    matches = _grouped(session, _latest_matches(ids))
    offers = dict.fromkeys(ids, 0)
    opened = select(Offer.tender_id, func.count()).where(Offer.tender_id.in_(ids), Offer.opened_at.is_not(None))
    for tender_id, count in session.execute(opened.group_by(Offer.tender_id)):
        offers[tender_id] = count
    left_out = _left_out(session, ids)
    return [
        TenderRow(
            tender=tender,
            lots=len(tender.lots),
            needs=needs[tender.id],
            offers=offers[tender.id],
            matches=matches[tender.id],
            contracts=contracts[tender.id],
            left_out=left_out[tender.id],
        )
        for tender in tenders
    ]


def _latest_matches(ids: Sequence[str]) -> Select[str, Any, int]:
    """How many matches of the latest verified round of each tender have which status: those before count no longer."""
    latest = (
        select(Round.tender_id, func.max(Round.number).label("number"))
        .where(Round.tender_id.in_(ids), Round.status == RoundStatus.VERIFIED)
        .group_by(Round.tender_id)
        .subquery()
    )
    return (
        select(Round.tender_id, Match.status, func.count())
        .join(Award, Award.id == Match.award_id)
        .join(Round, Round.id == Award.round_id)
        .join(latest, (latest.c.tender_id == Round.tender_id) & (latest.c.number == Round.number))
        .group_by(Round.tender_id, Match.status)
    )


def _left_out(session: Session, ids: Sequence[str]) -> dict[str, list[tuple[str, Instant]]]:
    """The offers that were left out since the match of each tender whose match therefore counts no longer, and when."""
    found: dict[str, list[tuple[str, Instant]]] = defaultdict(list)
    query = (
        select(Offer.tender_id, Offer.alias, Offer.excluded_at)
        .join(Offer.tender)
        .where(
            Tender.id.in_(ids),
            TO_RUN_AGAIN,
            Offer.status == OfferStatus.EXCLUDED,
            Offer.excluded_at >= Tender.proposed_at,
        )
        .order_by(Offer.excluded_at, Offer.alias)
    )
    for tender_id, alias, at in session.execute(query):
        if alias is not None and at is not None:
            found[tender_id].append((alias, at))
    return found


def _grouped(session: Session, query: Select[str, Any, int]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for tender_id, status, count in session.execute(query):
        found[tender_id][status.value] = count
    return found
