"""What anybody may read: the catalogue, notices, unmet needs, figures."""

from marshmallow import fields

from marketplace.journey.claims import Claims
from marketplace.journey.claims.unmet import UnmetClaim
from marketplace.queries.notices import Lot, Winner
from marketplace.records.tenders import AmendmentKind
from marketplace.rules.awarding import Saving
from marketplace.rules.lifecycle import TenderStatus

from .common import Shape, instant, integer, nested, one_of, pence, string
from .derived import shape_of

ClaimsShape = shape_of(Claims)
UnmetShape = shape_of(UnmetClaim)
LotShape = shape_of(Lot)
SavingShape = shape_of(Saving)


class ServiceShape(Shape):
    """A service of the catalogue, with what a unit of it costs elsewhere."""

    id = string("Its short name")
    name = string("Its name")
    unit = string("What one unit of it is")
    reference_pence = pence("The reference price of a unit")
    conventional_pence = pence("What a unit costs in the conventional package")
    private_pence = pence("What a unit costs somebody who buys alone")
    source = string("Where the prices are from")


class NoticeShape(Shape):
    """A published tender, as anybody may see it: demand as frozen at publication, few people not counted."""

    id = string("The tender's id", attribute="tender.id")
    title = string("Its title", attribute="tender.title")
    broker = string("Who buys", attribute="tender.broker.name")
    status = one_of(TenderStatus, "Where it stands", attribute="tender.status")
    version = integer("Its version: each amendment makes a new one", attribute="tender.version")
    published_at = instant("When it was published", attribute="tender.published_at", none=True)
    offers_due_at = instant(
        "An offer counts if it is received before this", attribute="tender.offers_due_at", none=True
    )
    lots = nested(LotShape, "What is needed, lot by lot", many=True)


class AmendmentShape(Shape):
    """One amendment of an open tender."""

    version = integer("The version that it made")
    kind = one_of(AmendmentKind, "A clarification, more time, or a change that asks everybody anew")
    text = string("What was said")
    offers_due_at = instant("The later deadline that it brought", none=True)
    changed = fields.Dict(
        allow_none=True, metadata={"description": "The rules that it changed: each before and now; null for none"}
    )
    made_at = instant("When")


class QuestionShape(Shape):
    """A provider's question, without a name, and the broker's answer."""

    id = string("Its id")
    text = string("The question")
    asked_at = instant("When it was asked")
    answer = string("The answer", none=True)
    answered_at = instant("When it was answered", none=True)


class RoundHashesShape(Shape):
    """The result's hashes and roots: with them anybody who holds its documents, or rows of them, can check those."""

    id = string("The round's id")
    number = integer("Which round of the tender it was")
    market_sha256 = string("The hash of the frozen market")
    outcome_sha256 = string("The hash of the outcome", none=True)
    market_root = string("The root over all that went in, row by row", none=True)
    outcome_root = string("The root over all that came out, row by row", none=True)
    finished_at = instant("When it was found", none=True)


class FullNoticeShape(NoticeShape):
    """A published tender with all that anybody may know of it."""

    broker_fee_pence = integer(
        "What the broker gets for each contract, from the commissioner",
        attribute="tender.broker_fee_pence",
    )
    policy = fields.Dict(attribute="tender.policy", metadata={"description": "The published policy"})
    policy_sha256 = string("The policy's hash", attribute="tender.policy_sha256")
    nonce_sha256 = string("The hash that fixes the tie-break beforehand", attribute="tender.nonce_sha256", none=True)
    offers = integer("How many offers were opened; null while offers can be made", none=True)
    winners = nested(shape_of(Winner), "Who was awarded what; figures of few people are null", many=True)
    saving = fields.Nested(SavingShape, allow_none=True, metadata={"description": "What the result saves in all"})
    round = fields.Nested(RoundHashesShape, allow_none=True, metadata={"description": "The result's hashes and roots"})
    amendments = nested(AmendmentShape, "What was amended", many=True)
    questions = nested(QuestionShape, "What was asked and answered", many=True)
    successor_id = string("The tender that took its place", attribute="successor.id", none=True)
    ocds = string("The same notice as open data (OCDS 1.1)")
