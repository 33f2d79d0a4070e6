"""A broker's tenders: `own_tenders` with what each waits for (those that are `Asked` for), `tender_row`, `clients`.

Counts come by one grouped query for all tenders at once, so that sixty tenders cost no more questions than one.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, literal_column, select
from sqlalchemy.orm import Session, joinedload, selectinload

from marketplace.journey.pools import valid_consent
from marketplace.journey.scopes import needs_for, one, patients_for, plan_lines_for, tenders_for
from marketplace.records.budgets import Budget
from marketplace.records.contracts import Contract
from marketplace.records.offers import Offer
from marketplace.records.people import Patient
from marketplace.records.pools import Bundle, Need, NeedStatus
from marketplace.records.rounds import Award, Match, MatchStatus, Round
from marketplace.records.tenders import Tender
from marketplace.rules.clock import Instant
from marketplace.rules.lifecycle import TENDER_WORDS, ContractStatus, TenderStatus
from marketplace.rules.permissions import Actor
from marketplace.web.filters import plural

from .support import gets_support, supported_among, wants_supporter

COLOURS = {
    TenderStatus.DRAFT: "grey",
    TenderStatus.DELETED: "white",
    TenderStatus.OPEN: "green",
    TenderStatus.CLOSED: "yellow",
    TenderStatus.MATCHING: "yellow",
    TenderStatus.PROPOSED: "blue",
    TenderStatus.STANDSTILL: "purple",
    TenderStatus.UNDER_REVIEW: "orange",
    TenderStatus.AWARDED: "aqua-green",
    TenderStatus.WITHDRAWN: "white",
    TenderStatus.UNSUCCESSFUL: "red",
    TenderStatus.CANCELLED: "white",
}
Counts = Mapping[str, int]

MINE, OTHERS = "mine", "others"
TURNS = {MINE: "Mine", OTHERS: "Somebody else's, with a date"}
WITH_DEADLINE = (
    TenderStatus.OPEN,
    TenderStatus.MATCHING,
    TenderStatus.PROPOSED,
    TenderStatus.STANDSTILL,
    TenderStatus.UNDER_REVIEW,
)
INVITING = (TenderStatus.DRAFT, TenderStatus.OPEN)
"""Where an invitation can still be answered: a changed open tender asks everybody again."""
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
NEXT_DATE = case(
    (Tender.status == TenderStatus.DRAFT, Tender.publish_by),
    (Tender.status == TenderStatus.OPEN, Tender.offers_due_at),
    (Tender.status.in_((TenderStatus.CLOSED, TenderStatus.MATCHING)), Tender.match_by),
    ((Tender.status == TenderStatus.PROPOSED) & UNANSWERED, Tender.answers_due_at),
    (Tender.status == TenderStatus.PROPOSED, Tender.confirm_by),
    (Tender.status == TenderStatus.STANDSTILL, Tender.standstill_ends_at),
    (Tender.status == TenderStatus.UNDER_REVIEW, func.coalesce(Tender.review_by, Tender.match_by)),
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

    @property
    def words(self) -> str:
        """Its status."""
        return TENDER_WORDS[self.tender.status]

    @property
    def colour(self) -> str:
        """The colour of its tag."""
        return COLOURS[self.tender.status]

    @property
    def people(self) -> int:
        """How many people are in it, or asked to be."""
        return sum(self.needs.values()) - self.needs.get("declined", 0) - self.needs.get("left", 0)

    @property
    def unanswered(self) -> int:
        """How many matches wait for their patient."""
        return self.matches.get("proposed", 0)

    def action(self, now: Instant) -> str | None:
        """What the broker can do now, or None where it is somebody else's turn."""
        due_at = self.tender.offers_due_at
        if self.tender.status is TenderStatus.DRAFT:
            return _draft_action(self)
        if self.tender.status is TenderStatus.OPEN and due_at is not None and due_at <= now:
            return "Open the offers"
        if self.tender.status is TenderStatus.CLOSED:
            return "Run the match"
        if self.tender.status is TenderStatus.PROPOSED and not self.unanswered:
            return "Confirm the award"
        if self.tender.status is TenderStatus.UNDER_REVIEW and self.tender.rerun_ordered:
            return "Run the match again"
        return None

    def waits_for(self, now: Instant) -> str:
        """Whose turn it is, in words."""
        status = self.tender.status
        if status is TenderStatus.DRAFT:
            joined = plural(self.needs.get("agreed", 0), "person", "people")
            return f"{joined} joined, {plural(self.needs.get('invited', 0), 'has', 'have')} not answered"
        if status is TenderStatus.OPEN:
            return "Waiting for offers" if self.action(now) is None else "The deadline has passed"
        if status is TenderStatus.CLOSED:
            return f"{plural(self.offers, 'offer')} came in"
        if status is TenderStatus.PROPOSED:
            asked = sum(self.matches.values())
            return f"{asked - self.unanswered:,} of {plural(asked, 'person has', 'people have')} answered"
        if status is TenderStatus.AWARDED:
            made = sum(self.contracts.values())
            signed = made - self.contracts.get(ContractStatus.OFFERED.value, 0)
            return f"{signed:,} of {plural(made, 'contract is', 'contracts are')} signed"
        return self.tender.status_reason or _objection_words(self.tender)

    def by(self) -> Instant | None:
        """The deadline it runs towards: the broker's own where it is the broker's turn."""
        tender = self.tender
        return {
            TenderStatus.DRAFT: tender.publish_by,
            TenderStatus.OPEN: tender.offers_due_at,
            TenderStatus.CLOSED: tender.match_by,
            TenderStatus.MATCHING: tender.match_by,
            TenderStatus.PROPOSED: tender.answers_due_at if self.unanswered else tender.confirm_by,
            TenderStatus.STANDSTILL: tender.standstill_ends_at,
            TenderStatus.UNDER_REVIEW: tender.review_by or tender.match_by,
        }.get(tender.status)

    @property
    def by_words(self) -> str:
        """What has to be done by then."""
        if self.tender.status is TenderStatus.PROPOSED and self.unanswered:
            return "Answers by"
        if self.tender.status is TenderStatus.UNDER_REVIEW and self.tender.rerun_ordered:
            return "Run the match again by"
        return BY_WORDS.get(self.tender.status, "")

    def lapses_at(self, now: Instant) -> Instant | None:
        """When it ends (a draft: is deleted) if its broker does nothing; None where nothing ends by that."""
        opens_itself = self.tender.status is TenderStatus.OPEN
        return None if opens_itself or self.action(now) is None else self.by()


@dataclass(frozen=True, slots=True)
class LotRow:
    """One lot of a tender as its broker sees it."""

    bundle: Bundle
    needs: Counts
    units: int
    budget_pence: int

    @property
    def asked(self) -> int:
        """How many people were invited."""
        return sum(self.needs.values())


@dataclass(frozen=True, slots=True)
class Client:
    """One of a broker's clients: parts of care plans, those in a group, whether they get extra support today."""

    patient: Patient
    lines: int
    pooled: int
    supported: bool


@dataclass(frozen=True, slots=True)
class Glance:
    """A broker's clients in figures: all, those without a group now, and invitations that wait for an answer."""

    clients: int
    in_no_group: int | None
    not_answered: int


@dataclass(frozen=True, slots=True)
class Asked:
    """Which of the broker's tenders are asked for: of one state, with words in the title, by whose turn it is."""

    status: TenderStatus | None = None
    words: str = ""
    turn: str = ""

    def query(self, actor: Actor, now: Instant) -> Select[Tender]:
        """The broker's tenders that fit."""
        query = tenders_for(actor)
        if self.status is not None:
            query = query.where(Tender.status == self.status)
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


def tenders_by_status(session: Session, actor: Actor) -> dict[TenderStatus, int]:
    """How many of the broker's tenders are in which state."""
    query = tenders_for(actor).with_only_columns(Tender.status, func.count()).group_by(Tender.status)
    found: dict[TenderStatus, int] = {status: count for status, count in session.execute(query)}  # noqa: C416 - typed
    return {status: found[status] for status in TenderStatus if status in found}


def tender_row(session: Session, actor: Actor, tender_id: str) -> TenderRow:
    """One of the broker's own tenders."""
    return _rows(session, [one(session, tenders_for(actor), tender_id, "tender")])[0]


def lots_of(session: Session, actor: Actor, tender: Tender) -> list[LotRow]:
    """The lots of a tender, with who was asked and what came of it."""
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    sums: dict[str, tuple[int, int]] = {}
    query = (
        needs_for(actor)
        .where(Bundle.tender_id == tender.id)
        .with_only_columns(Need.bundle_id, Need.status, func.count(), func.sum(Need.units), func.sum(Need.budget_pence))
        .group_by(Need.bundle_id, Need.status)
    )
    for bundle_id, status, count, units, pence in session.execute(query):
        counts[bundle_id][status.value] = count
        if status not in (NeedStatus.DECLINED, NeedStatus.LEFT):
            before = sums.get(bundle_id, (0, 0))
            sums[bundle_id] = (before[0] + int(units), before[1] + int(pence))
    return [LotRow(bundle, counts[bundle.id], *sums.get(bundle.id, (0, 0))) for bundle in tender.bundles]


def agreed(session: Session, actor: Actor, tender: Tender) -> list[Need]:
    """The needs that publication would take in: agreed, to exactly what stands now."""
    query = needs_for(actor).where(Bundle.tender_id == tender.id, Need.status == NeedStatus.AGREED)
    needs = session.scalars(query.options(selectinload(Need.consents), joinedload(Need.bundle)))
    return [need for need in needs if valid_consent(need, tender)]


COUNTED_AT_ONCE = 10_000


def clients_at_a_glance(session: Session, actor: Actor) -> Glance:
    """The broker's clients in figures, each by one query; who is in a group is counted as the list does.

    Of more than `COUNTED_AT_ONCE` clients that is not counted on each look (0.1 s for 40,000): the list tells it.
    """
    clients = client_count(session, actor, "")
    grouped = _clients(actor, "", "yes", None).with_only_columns(func.count())
    few = clients <= COUNTED_AT_ONCE
    asked = needs_for(actor).where(Need.status == NeedStatus.INVITED, Tender.status.in_(INVITING))
    return Glance(
        clients=clients,
        in_no_group=clients - (session.scalar(grouped) or 0) if few else None,
        not_answered=session.scalar(asked.with_only_columns(func.count())) or 0,
    )


def client_count(session: Session, actor: Actor, search: str, group: str = "", now: Instant | None = None) -> int:
    """How many of the broker's clients fit the search; those with extra support are asked for with `now`."""
    return session.scalar(select(func.count()).select_from(_clients(actor, search, group, now).subquery())) or 0


def clients(
    session: Session,
    actor: Actor,
    search: str,
    first: int,
    size: int,
    *,
    now: Instant,
    group: str = "",
    order: ColumnElement[Any] | None = None,
) -> list[Client]:
    """Some of the broker's clients: those whose name or district fits the search, and who fit the group."""
    query = _clients(actor, search, group, now).order_by(Patient.name if order is None else order, Patient.id)
    patients = session.scalars(query.offset(first).limit(size)).all()
    ids = [patient.id for patient in patients]
    lines = plan_lines_for(actor).where(Patient.id.in_(ids)).with_only_columns(Budget.patient_id, func.count())
    pooled = select(Need.patient_id, func.count()).where(Need.patient_id.in_(ids), Need.reserved_pence > 0)
    lines_of = {row[0]: row[1] for row in session.execute(lines.group_by(Budget.patient_id))}
    pooled_of = {row[0]: row[1] for row in session.execute(pooled.group_by(Need.patient_id))}
    supported = supported_among(session, now, ids)
    return [
        Client(row, lines_of.get(row.id, 0), pooled_of.get(row.id, 0), supported=row.id in supported)
        for row in patients
    ]


def _clients(actor: Actor, search: str, group: str, now: Instant | None) -> Select[Patient]:
    query = patients_for(actor)
    if group == "supported" and now is not None:
        query = query.where(gets_support(now))
    if group == "no-supporter" and now is not None:
        query = query.where(wants_supporter(now))
    if group in ("yes", "no"):
        # the nothing is written out, not bound: else a database cannot tell that its index of just these will do
        is_held = Need.reserved_pence > literal_column("0")
        held = select(Need.id).where(Need.patient_id == Patient.id, is_held).correlate(Patient).exists()
        query = query.where(held if group == "yes" else ~held)
    if search:
        query = query.where(Patient.name.icontains(search, autoescape=True) | (Patient.district == search.upper()))
    return query


def _waits_for_broker(now: Instant) -> ColumnElement[bool]:
    """What `TenderRow.action` says, asked of the database."""
    return (
        Tender.status.in_((TenderStatus.DRAFT, TenderStatus.CLOSED))
        | ((Tender.status == TenderStatus.OPEN) & (Tender.offers_due_at <= now))
        | ((Tender.status == TenderStatus.PROPOSED) & ~UNANSWERED)
        | ((Tender.status == TenderStatus.UNDER_REVIEW) & Tender.rerun_ordered)
    )


def _objection_words(tender: Tender) -> str:
    if tender.status is not TenderStatus.UNDER_REVIEW:
        return ""
    return "An objection was upheld" if tender.rerun_ordered else "A provider has objected"


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
    matches = _grouped(
        session,
        select(Round.tender_id, Match.status, func.count())
        .join(Award, Award.id == Match.award_id)
        .join(Round, Round.id == Award.round_id)
        .where(Round.tender_id.in_(ids))
        .group_by(Round.tender_id, Match.status),
    )
    offers = dict.fromkeys(ids, 0)
    opened = select(Offer.tender_id, func.count()).where(Offer.tender_id.in_(ids), Offer.opened_at.is_not(None))
    for tender_id, count in session.execute(opened.group_by(Offer.tender_id)):
        offers[tender_id] = count
    return [
        TenderRow(
            tender=tender,
            lots=len(tender.bundles),
            needs=needs[tender.id],
            offers=offers[tender.id],
            matches=matches[tender.id],
            contracts=contracts[tender.id],
        )
        for tender in tenders
    ]


def _grouped(session: Session, query: Select[str, Any, int]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for tender_id, status, count in session.execute(query):
        found[tender_id][status.value] = count
    return found
