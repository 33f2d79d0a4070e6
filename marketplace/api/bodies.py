"""Bodies that only programs send: many things at once, and the pages' forms without what belongs to a page."""

from typing import Any

from marshmallow import Schema, fields, post_load
from marshmallow.validate import Length, OneOf, Regexp

from marketplace.adapters.bank_files import RESULTS, Answer
from marketplace.journey.allocations import Draft, NewPerson
from marketplace.records.base import new_id
from marketplace.rules.money import MAX_PENCE
from marketplace.schemas.allocations import BudgetSchema
from marketplace.schemas.answers import AgreeToShareSchema
from marketplace.schemas.clients import PersonSchema
from marketplace.schemas.deliveries import DeliveryRowSchema
from marketplace.schemas.fields import Whole, Words
from marketplace.schemas.support import SupportFactsSchema

MOST_BUDGETS = 500
MOST_DELIVERIES = 1_000
MOST_PAYMENTS = 10_000


class GivenBudgetSchema(BudgetSchema):
    """A budget with its care plan, for somebody who is registered."""

    class Meta:
        """The form's number is the Idempotency-Key's work here."""

        exclude = ("request_id",)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Draft:
        """As the step knows it."""
        made: Draft = super().make({**data, "request_id": new_id()})
        return made


class GivenAllocationSchema(PersonSchema, SupportFactsSchema, GivenBudgetSchema):
    """A budget with its care plan, for somebody new, who is registered with it."""

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Draft:
        """As the step knows it."""
        made: Draft = super().make(data)
        return Draft(made.details, person=NewPerson(**{name: data[name] for name in NewPerson.__slots__}))


class AllocationsSchema(Schema):
    """Many budgets for new people: all of them are given, or none."""

    budgets = fields.List(
        fields.Nested(GivenAllocationSchema),
        required=True,
        validate=Length(min=1, max=MOST_BUDGETS, error=f"Send from 1 to {MOST_BUDGETS} budgets"),
        metadata={"description": "All of them are given, or none."},
    )


class DeliveriesSchema(Schema):
    """Many deliveries: all of them are recorded, or none."""

    deliveries = fields.List(
        fields.Nested(DeliveryRowSchema),
        required=True,
        validate=Length(min=1, max=MOST_DELIVERIES, error=f"Send from 1 to {MOST_DELIVERIES} deliveries"),
        metadata={"description": "All of them are recorded, or none. One for each contract and day."},
    )


class AgreeToReadSchema(AgreeToShareSchema):
    """Agreeing to a group as it was read: the hashes are those that the invitation had. `shares_pool` is for a group
    that shares.
    """

    terms_sha256 = fields.String(
        required=True,
        validate=Regexp("^[0-9a-f]{64}$", error="Send the invitation's terms_sha256"),
        metadata={"title": "The hash of the group's terms, as you read them"},
    )
    policy_sha256 = fields.String(
        required=True,
        validate=Regexp("^[0-9a-f]{64}$", error="Send the invitation's policy_sha256"),
        metadata={"title": "The hash of the group's rules, as you read them"},
    )


class BankAnswerRowSchema(Schema):
    """What the bank says of one payment."""

    reference = Words(required=True, longest=24, missing="Send the reference", metadata={"title": "The reference"})
    amount_pence = Whole(1, MAX_PENCE, required=True, metadata={"title": "The amount that was sent"})
    result = fields.String(
        required=True,
        validate=OneOf(RESULTS, error="Send paid or returned"),
        metadata={"title": "What became of it"},
    )
    reason = Words(longest=200, missing="", load_default="", metadata={"title": "Why it was returned"})

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Answer:
        """The answer as a value."""
        return Answer(data["reference"], data["amount_pence"], data["result"] == "paid", data["reason"])


class BankAnswersSchema(Schema):
    """The bank's answer to a payment run. Nothing is settled by one of which any part is wrong."""

    answers = fields.List(
        fields.Nested(BankAnswerRowSchema),
        required=True,
        validate=Length(min=1, max=MOST_PAYMENTS, error=f"Send from 1 to {MOST_PAYMENTS} answers"),
        metadata={"description": "What the bank says, payment by payment."},
    )
