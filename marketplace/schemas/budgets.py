"""What a commissioner decides about a budget's money, and what a patient decides who leaves it."""

from marshmallow import Schema, fields
from marshmallow.validate import OneOf

from .fields import Pounds, Words, choice


class MoneyActSchema(Schema):
    """Money added to a budget, or taken back from what is unspent, with the reason."""

    act = fields.String(
        required=True,
        validate=OneOf(["supplement", "reclaim"], error="Choose what to do"),
        error_messages=choice("what to do"),
        metadata={"title": "What do you want to do?"},
    )
    amount_pence = Pounds(
        required=True,
        minimum_pence=1,
        error_messages={"required": "Enter an amount in pounds, like 48.50"},
        metadata={"title": "How much?"},
    )
    reason = Words(required=True, longest=1000, missing="Write the reason in a sentence", metadata={"title": "Why?"})
    request_id = Words(
        required=True, longest=40, missing="Open the page again", metadata={"title": "This form's number"}
    )


class ReviewSchema(Schema):
    """What came of reviewing a care plan."""

    findings = Words(
        required=True,
        longest=4000,
        missing="Write what you found, in a sentence or two",
        metadata={"title": "What did you and the patient find?"},
    )
