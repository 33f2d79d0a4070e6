"""Another program that is to act for an account: what it is called, what it may do, until when."""

from typing import Any

from marshmallow import Schema, fields, post_load
from marshmallow.validate import OneOf

from marketplace.journey.programs import ProgramDetails

from .fields import Day, Words

MAY_WORDS = {"read": "Read only", "write": "Read, and do all that you can do here"}


class ProgramSchema(Schema):
    """A program to be connected."""

    name = Words(
        required=True,
        longest=80,
        missing="Enter a name for the program, like Practice system",
        metadata={"title": "What do you call the program?", "description": "A name that you will know it by."},
    )
    may = fields.String(
        required=True,
        validate=OneOf(list(MAY_WORDS), error="Choose what it may do"),
        error_messages={"required": "Choose what it may do"},
        metadata={"title": "What may it do?", "x-words": MAY_WORDS},
    )
    last_day = Day(
        required=True,
        missing="Enter the last day",
        metadata={
            "title": "Until which day?",
            "description": "At most a year from now. You can end it at any time before.",
        },
    )

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> ProgramDetails:
        """As the step knows it."""
        return ProgramDetails(data["name"], data["may"] == "write", data["last_day"])
