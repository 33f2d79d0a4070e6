"""A patient's answers: to an invitation, to a match, to a delivery."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validates_schema
from marshmallow.validate import OneOf

from marketplace.records.pools import DefaultAnswer

from .fields import Words, choice


class AgreeSchema(Schema):
    """Agreeing to a pool, and what silence at the match shall mean."""

    default_answer = fields.Enum(
        DefaultAnswer,
        by_value=True,
        required=True,
        error_messages=choice("what we should do if we do not hear from you"),
        metadata={"title": "If we do not hear from you about your match, what should we do?"},
    )


class AgreeToShareSchema(AgreeSchema):
    """Agreeing to a shared pool: the yes to helping each other is a question of its own."""

    shares_pool = fields.String(
        required=True,
        validate=OneOf(["yes", "no"], error="Choose whether you agree that people in the group help to pay"),
        error_messages={"required": "Choose whether you agree that people in the group help to pay"},
        metadata={
            "title": "Do you agree that people in this group help to pay for each other?",
            "description": "You can be in this group only if you do.",
            "x-words": {"yes": "Yes, what my budget has left over may help others", "no": "No"},
        },
    )


class MatchAnswerSchema(Schema):
    """Yes, or no with a reason."""

    answer = fields.Enum(
        DefaultAnswer,
        by_value=True,
        required=True,
        error_messages=choice("yes or no"),
        metadata={"title": "Do you want this provider?"},
    )
    reason = Words(longest=1000, missing="", load_default="", metadata={"title": "Why not?"})
    look_again = fields.String(
        load_default="yes",
        validate=OneOf(["yes", "no"], error="Choose whether we shall look for another provider"),
        metadata={
            "title": "If no, shall we look for another provider?",
            "description": "If there is one, you can say yes or no again.",
            "x-words": {"yes": "Yes, look for another one", "no": "No, stop looking"},
        },
    )

    @validates_schema
    def check_reason(self, data: dict[str, Any], **_: Any) -> None:
        """A no comes with a reason: it helps the broker find something better."""
        if data.get("answer") is DefaultAnswer.DECLINE and not data.get("reason"):
            raise ValidationError("Say why you turn it down, in a few words", field_name="reason")


class DeliveryAnswerSchema(Schema):
    """What a patient says to a delivery that a provider recorded."""

    answer = fields.Enum(
        DefaultAnswer,
        by_value=True,
        required=True,
        error_messages=choice("yes or no"),
        metadata={"title": "Did this take place?"},
    )
    reason = Words(longest=1000, missing="", load_default="", metadata={"title": "What is wrong?"})

    @validates_schema
    def check_reason(self, data: dict[str, Any], **_: Any) -> None:
        """A no comes with what is wrong."""
        if data.get("answer") is DefaultAnswer.DECLINE and not data.get("reason"):
            raise ValidationError("Tell us what is wrong, in a few words", field_name="reason")
