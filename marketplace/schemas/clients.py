"""Somebody who asked a broker to act for them: one form, or one line of a file."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load
from marshmallow.validate import Email, Regexp

from marketplace.adapters.identity import normal_nhs_number
from marketplace.journey.clients import OLDEST_BIRTH_YEAR, ClientDetails
from marketplace.rules.contacts import NOT_AN_EMAIL

from .fields import Day, Whole, Words

LATEST_BIRTH_YEAR = 2100
BIRTH_YEAR_SAID = f"Enter a year of birth from {OLDEST_BIRTH_YEAR} on, like 1958"


class NhsNumber(fields.String):
    """Ten digits with their check digit, spaced as people like; the number itself is in no message."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        number = normal_nhs_number(super()._deserialize(value, attr, data, **kwargs))
        if number is None:
            raise ValidationError("Check the NHS number: it has ten digits, and the last one must fit the others")
        return number


class District(Words):
    """A postcode district, in capitals."""

    def __init__(self) -> None:
        super().__init__(
            required=True,
            longest=8,
            missing="Enter the first half of the postcode, like LN1",
            validate=Regexp(r"^[A-Z]{1,2}[0-9][A-Z0-9]?$", error="Enter the first half of the postcode only, like LN1"),
            metadata={
                "title": "Postcode district",
                "description": "The first half of the postcode, like LN1",
                "x-width": 5,
            },
        )

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return super()._deserialize(value, attr, data, **kwargs).upper()


class PersonSchema(Schema):
    """Who is to be registered."""

    name = Words(required=True, longest=120, missing="Enter the person's name", metadata={"title": "Name"})
    nhs_number = NhsNumber(
        required=True,
        error_messages=dict.fromkeys(("required", "null", "invalid"), "Enter the NHS number"),
        metadata={
            "title": "NHS number",
            "description": "Ten digits. It is encrypted at once, and nobody can read it here again.",
            "x-secret": True,
        },
    )
    birth_year = Whole(
        OLDEST_BIRTH_YEAR,
        LATEST_BIRTH_YEAR,
        message=BIRTH_YEAR_SAID,
        required=True,
        metadata={"title": "Year of birth", "x-width": 4},
    )
    district = District()


class ClientSchema(PersonSchema):
    """A broker's new client."""

    asked_on = Day(
        required=True,
        missing="Enter the day on which the person asked you to act for them",
        metadata={"title": "Asked you on", "description": "When did the person ask you to act for them?"},
    )
    email = Words(
        longest=254,
        missing="",
        load_default=None,
        validate=Email(error=NOT_AN_EMAIL),
        metadata={"title": "E-mail (optional)", "description": "We write to it when there is something to read."},
    )

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> ClientDetails:
        """The person as a value."""
        return ClientDetails(**data)
