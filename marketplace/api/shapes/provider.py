"""What a provider's program reads: tenders that fit, its offers, contracts, deliveries and claims."""

from marshmallow import fields

from marketplace.queries.notices import Lot
from marketplace.queries.payments import ClaimRow, ClaimSums
from marketplace.records.contracts import DeliveryStatus
from marketplace.records.offers import OfferStatus
from marketplace.rules.lifecycle import ContractStatus
from marketplace.rules.permissions import Role
from marketplace.rules.tendering import OfferTerms

from .common import Shape, calendar_day, instant, integer, nested, one_of, pence, string, yes_or_no
from .derived import shape_of

ClaimShape = shape_of(ClaimRow)
ClaimSumsShape = shape_of(ClaimSums)


class SiteShape(Shape):
    """One of the provider's own places."""

    id = string("Its id: an offer is made from a site")
    name = string("Its name")
    district = string("Its postcode district")
    services = fields.List(fields.String(), metadata={"description": "The services it offers, by their short names"})
    grade = integer("Its quality, from 1 (inadequate) to 4 (outstanding); 0 if unrated")


class FittingTenderShape(Shape):
    """An open tender that one of the provider's sites could serve."""

    id = string("The tender's id", attribute="tender.id")
    title = string("Its title", attribute="tender.title")
    broker = string("Who buys", attribute="tender.broker.name")
    offers_due_at = instant("An offer counts if it is received before this", attribute="tender.offers_due_at")
    lots = nested(shape_of(Lot), "What is needed, lot by lot", many=True)
    offered = yes_or_no("Whether an offer of yours stands")


class OfferShape(Shape):
    """One version of one of the provider's own offers. The receipt is the hash of what was sealed."""

    id = string("The offer's id")
    tender_id = string("The tender it is for")
    number = integer("Which of your offers on this tender it is")
    version = integer("Its version")
    status = one_of(OfferStatus, "Where it stands")
    receipt_sha256 = string("The receipt: the hash of the sealed offer")
    received_at = instant("When it was received")
    opened_at = instant("When it was opened, after the deadline", none=True)


class FullOfferShape(OfferShape):
    """One of the provider's own offers with its terms, which nobody else can read before the deadline."""

    terms = nested(shape_of(OfferTerms), "What was offered")


class DeliveryShape(Shape):
    """Units that were delivered on a day, and what the patient said to it."""

    id = string("The delivery's id")
    contract_id = string("The contract it is under")
    status = one_of(DeliveryStatus, "What became of it")
    units = integer("How many units")
    delivered_on = calendar_day("On which day")
    recorded_at = instant("When it was recorded")
    confirm_by = instant("Without an answer until then it counts as confirmed")
    due_pence = pence("What is due or paid for it now", none=True)
    dispute_reason = string("What the patient says is wrong", none=True)
    refunded_pence = pence("What of it was refunded", none=True)
    refund_reason = string("Why it was refunded", none=True)


class PersonServedShape(Shape):
    """The least that is needed to deliver."""

    name = string("The person's name")
    district = string("Their postcode district")
    goal = string("What the care is to achieve")


class ProviderContractShape(Shape):
    """One of the provider's contracts. Whom it is for is there once it is signed by all, until it ends early."""

    id = string("The contract's id")
    status = one_of(ContractStatus, "Where it stands")
    person = fields.Nested(PersonServedShape, allow_none=True, metadata={"description": "Whom it is for"})
    service = string("The service", attribute="need.plan_line.service.name")
    site_id = string("The site it is served from")
    units = integer("How many units were agreed")
    units_confirmed = integer("How many of them are confirmed")
    bill_pence = pence("What all units cost, the fee's share with them")
    offered_at = instant("When it was offered")
    sign_by = instant("It lapses if it is not signed by then")
    provider_signed_at = instant("When you signed", none=True)
    patient_signed_at = instant("When the patient signed", none=True)
    ends_at = instant("When it ends")
    ended_at = instant("When it was completed or ended", none=True)
    ended_reason = string("Why it ended", none=True)
    ended_by = one_of(Role, "Who ended it; `system` where its time was over", none=True)


class FullProviderContractShape(ProviderContractShape):
    """One of the provider's contracts with everything that was recorded under it."""

    deliveries = nested(DeliveryShape, "What was recorded", many=True)


class RecordedShape(Shape):
    """How many deliveries were recorded at once."""

    recorded = integer("How many: all that were sent")


class ClaimListShape(Shape):
    """A page of claims, and what they all come to."""

    rows = nested(ClaimShape, "The claims, the latest day first", many=True)
    total = integer("How many rows there are on all pages")
    next = string("The address of the next page; null on the last one", none=True)
    sums = nested(ClaimSumsShape, "What all claims come to")
