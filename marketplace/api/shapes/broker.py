"""What a broker's program reads: clients, tenders with their lots and invitations, a match and what came of it."""

from marshmallow import fields

from marketplace.journey.pools import Candidate
from marketplace.queries.results import Sure
from marketplace.records.jobs import JobKind, JobStatus
from marketplace.records.pools import NeedStatus
from marketplace.records.rounds import MatchStatus
from marketplace.rules.awarding import Saving
from marketplace.rules.lifecycle import LotResult, TenderStatus
from marketplace.work.client import PartProgress

from .common import Shape, calendar_day, instant, integer, nested, one_of, pence, string, yes_or_no
from .derived import shape_of

CandidateShape = shape_of(Candidate)


class ClientShape(Shape):
    """One of the broker's clients."""

    patient_id = string("The patient's id", attribute="patient.id")
    name = string("Their name", attribute="patient.name")
    district = string("Their postcode district", attribute="patient.district")
    lines = integer("How many parts their care plans have")
    pooled = integer("For how many of them money is set aside in a group now")
    supported = yes_or_no("Whether they get extra support")


class TakenOnShape(Shape):
    """Somebody who is registered now, as the broker's client."""

    patient_id = string("The patient's id", attribute="id")


class TenderShape(Shape):
    """One of the broker's own tenders: where it stands, and whose turn it is."""

    id = string("The tender's id", attribute="tender.id")
    title = string("Its title", attribute="tender.title")
    status = one_of(TenderStatus, "Where it stands", attribute="tender.status")
    status_reason = string("Why it ended, if it did", attribute="tender.status_reason", none=True)
    version = integer("Its version", attribute="tender.version")
    created_at = instant("When it was drafted", attribute="tender.created_at")
    published_at = instant("When it was published", attribute="tender.published_at", none=True)
    offers_due_at = instant(
        "Offers count if they are received before this", attribute="tender.offers_due_at", none=True
    )
    answers_due_at = instant("Patients answer before this", attribute="tender.answers_due_at", none=True)
    standstill_ends_at = instant("When the pause ends", attribute="tender.standstill_ends_at", none=True)
    lots = integer("How many lots it has")
    people = integer("How many people are in it, or asked to be")
    offers = integer("How many offers are open; 0 until the deadline")
    must_run_again = yes_or_no("Whether its match counts no longer and must be run again")
    action = string("What you can do now; null where it is somebody else's turn", none=True)


class DraftedShape(Shape):
    """A tender just after a step."""

    id = string("The tender's id")
    title = string("Its title")
    status = one_of(TenderStatus, "Where it stands")
    policy_sha256 = string("The hash of its policy")
    offers_due_at = instant("Offers count if they are received before this", none=True)


class BrokerLotShape(Shape):
    """One lot of a tender as its broker sees it."""

    id = string("The lot's id", attribute="bundle.id")
    service_id = string("The service, by its short name", attribute="bundle.service_id")
    area = string("The area's name", attribute="bundle.area")
    districts = fields.List(
        fields.String(), attribute="bundle.districts", metadata={"description": "Its postcode districts"}
    )
    period_from = calendar_day("The first day of care", attribute="bundle.period_from")
    period_to = calendar_day("The last day of care", attribute="bundle.period_to")
    result = one_of(LotResult, "What came of it", attribute="bundle.result")
    asked = integer("How many people were invited")
    units = integer("How many units those need who are in, or asked to be")
    budget_pence = pence("What their plans set aside for it")
    agreed_units = integer("How many units those of them need who said yes")
    agreed_pence = pence("What the plans of those set aside for it")


class FullTenderShape(TenderShape):
    """One of the broker's own tenders with its policy and its lots."""

    policy = fields.Dict(
        attribute="tender.policy", metadata={"description": "The policy, as it is or will be published"}
    )
    policy_sha256 = string("The policy's hash", attribute="tender.policy_sha256")
    each_lot = nested(BrokerLotShape, "The lots, one by one", many=True)


class BuiltLotShape(Shape):
    """A lot that was just built."""

    id = string("The lot's id")
    tender_id = string("The tender it is part of")
    area = string("The area's name")
    terms_sha256 = string("The hash of its terms, which patients agree to")


class InvitedPersonShape(Shape):
    """One invitation to a lot."""

    need_id = string("The invitation's id", attribute="id")
    patient_id = string("Who was invited")
    name = string("Their name", attribute="patient.name")
    status = one_of(NeedStatus, "What became of it")
    units = integer("How many units they need")
    budget_pence = pence("Their share")
    invited_at = instant("When they were invited")


class GroupShape(Shape):
    """A lot with its invitations, and who could be invited besides."""

    id = string("The lot's id", attribute="bundle.id")
    tender_id = string("The tender it is part of", attribute="tender.id")
    area = string("The area's name", attribute="bundle.area")
    can_invite = yes_or_no("Whether more people can be invited: until the tender is published")
    invitations = nested(InvitedPersonShape, "Who was invited", attribute="needs", many=True)
    candidates = nested(CandidateShape, "Who could be invited besides", attribute="others", many=True)


class InvitedShape(Shape):
    """How many people were invited."""

    invited = integer("How many")


class JobShape(Shape):
    """A match that was asked for: a worker takes it up, and its progress can be followed."""

    job_id = string("The job's id", attribute="id")
    kind = one_of(JobKind, "The whole market, or only what refusals have freed")
    status = one_of(JobStatus, "How far it is")


class ProgressShape(Shape):
    """How far a match is."""

    job_id = string("The job's id")
    status = one_of(JobStatus, "How far it is")
    finished = yes_or_no("Whether there is nothing more to wait for")
    message = string("What it says, if anything", none=True)
    seconds = fields.Float(metadata={"description": "How long it has been running; while it is queued, waiting"})
    ahead = integer("While it is queued: how many others come first")
    part_count = integer("Into how many independent parts the market falls")
    parts = nested(shape_of(PartProgress), "The parts with the largest gaps", many=True)
    gap_permille = fields.Float(allow_none=True, metadata={"description": "The widest gap of all parts now"})
    worker_away = yes_or_no("Whether no worker is about to take it up")


class AwardShape(Shape):
    """One offer in use, by its alias; its provider's name stands beside that once an award is proposed."""

    offer_id = string("The offer's id", attribute="offer.id")
    label = string("What it is called now")
    units = integer("How many units it serves")
    people = integer("How many people")
    fee_pence = pence("Its fixed fee")
    spend_pence = pence("What is spent with it")
    answers = fields.Dict(
        keys=fields.String(), values=fields.Integer(), metadata={"description": "How many people said what"}
    )
    stands = yes_or_no("Whether it is still above its least volume")


class ReasonCountShape(Shape):
    """How many people are without a match for one reason."""

    code = string("The reason's short name")
    words = string("The reason in words")
    people = integer("How many people")


class ResultShape(Shape):
    """What the latest verified round of a tender came to."""

    tender_id = string("The tender's id", attribute="tender.id")
    round = integer("Which round it was", attribute="round.number")
    market_sha256 = string("The hash of the frozen market", attribute="round.market_sha256")
    outcome_sha256 = string("The hash of the outcome", attribute="round.outcome_sha256")
    certainty = string("How sure it is, in a sentence")
    sure = nested(shape_of(Sure), "The two aims and their bounds", many=True)
    needs = integer("How many needs were pooled", attribute="figures.needs")
    matched = integer("How many of them are matched", attribute="figures.matched")
    units = integer("With how many units", attribute="figures.units")
    saving = nested(shape_of(Saving), "What that costs and saves", attribute="figures.saving")
    awards = nested(AwardShape, "The offers in use", many=True)
    unmatched = integer("How many people are without a match")
    reasons = nested(ReasonCountShape, "Why", many=True)


class MatchRowShape(Shape):
    """One match behind the figures: charge, cost parts and answer."""

    match_id = string("The match's id", attribute="id")
    patient_id = string("Whose it is", attribute="need.patient_id")
    name = string("Their name", attribute="need.patient.name")
    lot_id = string("In which lot", attribute="need.bundle_id")
    offer_id = string("With which offer", attribute="award.offer_id")
    units = integer("How many units", attribute="need.units")
    price_pence = pence("The price")
    fee_share_pence = pence("The share of the fee")
    pool_pence = pence("What goes to others of a shared pool; negative: what they carry")
    charge_pence = pence("The charge")
    budget_pence = pence("The share that was set aside", attribute="need.budget_pence")
    status = one_of(MatchStatus, "The answer")


class UnmatchedShape(Shape):
    """One person without a match: why, and what would have helped."""

    need_id = string("The need's id", attribute="need.id")
    patient_id = string("Whose it is", attribute="need.patient_id")
    name = string("Their name", attribute="need.patient.name")
    lot_id = string("In which lot", attribute="need.bundle_id")
    units = integer("How many units", attribute="need.units")
    reason = string("Why, in words")
    refusals = fields.List(
        fields.List(fields.String()), metadata={"description": "Each offer, and the one thing that decided against it"}
    )
    changes = fields.List(
        fields.String(),
        allow_none=True,
        metadata={"description": "Single changes that would have helped; null until a worker has looked for them"},
    )
