"""Who takes part: brokers, providers with their sites and the evidence of quality, and accounts for people."""

from datetime import date
from typing import Any

from marshmallow import Schema, ValidationError, fields, validates_schema
from marshmallow.validate import Email, OneOf

from marketplace.rules.permissions import Role
from marketplace.rules.quality import WORDS

from .allocations import ATTRIBUTE_WORDS
from .clients import District
from .fields import Day, Whole, Words, choice

ROLE_WORDS = {
    Role.PATIENT.value: "Patient",
    Role.REPRESENTATIVE.value: "Representative: acts for a patient",
    Role.BROKER.value: "Broker",
    Role.PROVIDER.value: "Provider",
    Role.HOLDER.value: "Organisation that holds budgets",
    Role.COMMISSIONER.value: "Colleague at the commissioner",
}
RATINGS = tuple(WORDS.values())
_FURTHEST_M = 1_300_000


class BrokerSchema(Schema):
    """A broker to be admitted."""

    name = Words(required=True, longest=120, missing="Enter the broker's name", metadata={"title": "Its name"})


class SiteSchema(Schema):
    """A place of a provider: where it is, what it offers there, and what the regulator has published about it."""

    site_name = Words(required=True, longest=120, missing="Enter a name for the place", metadata={"title": "Place"})
    district = District()
    easting_m = Whole(
        0,
        _FURTHEST_M,
        load_default=None,
        metadata={
            "title": "Easting in metres (optional)",
            "description": "Of the National Grid. Without it we take the middle of the district.",
            "x-width": 10,
        },
    )
    northing_m = Whole(
        0, _FURTHEST_M, load_default=None, metadata={"title": "Northing in metres (optional)", "x-width": 10}
    )
    services = fields.List(
        fields.String(),
        required=True,
        error_messages={"required": "Choose at least one of the services there"},
        metadata={"title": "Services there"},
    )
    attributes = fields.List(
        fields.String(validate=OneOf(list(ATTRIBUTE_WORDS), error="Choose from the list")),
        load_default=list,
        metadata={"title": "What is there? (optional)", "x-words": ATTRIBUTE_WORDS},
    )
    rating = fields.String(
        required=True,
        validate=OneOf(RATINGS, error="Choose a rating from the list"),
        error_messages=choice("the published rating"),
        metadata={
            "title": "Published rating",
            "description": "The regulator's word, as published. Not rated is not the same as bad.",
        },
    )
    rating_date = Day(missing="", load_default=None, metadata={"title": "Published on (if rated)"})
    first_appointment_days = Whole(
        0,
        365,
        load_default=None,
        metadata={"title": "Days to a first appointment (optional)", "x-width": 4},
    )

    @validates_schema(skip_on_field_errors=True)
    def check_whole(self, data: dict[str, Any], **_: Any) -> None:
        """A rating has its date, a grid reference both its numbers."""
        if (data["easting_m"] is None) != (data["northing_m"] is None):
            place = "easting_m" if data["easting_m"] is None else "northing_m"
            raise ValidationError("Enter both numbers of the grid reference, or none", field_name=place)
        rated = data["rating"] != WORDS[0]
        when: date | None = data["rating_date"]
        if rated and when is None:
            raise ValidationError("Enter the day on which the rating was published", field_name="rating_date")


class ProviderSchema(SiteSchema):
    """A provider to be admitted, with its first site."""

    name = Words(required=True, longest=120, missing="Enter the provider's name", metadata={"title": "Its name"})

    class Meta:
        """The name stands first, on the page and in the error summary."""

        fields = (
            "name", "site_name", "district", "easting_m", "northing_m", "services", "attributes", "rating",
            "rating_date", "first_appointment_days",
        )  # fmt: skip


class AccountSchema(Schema):
    """An account to be opened; which organisation it is for is asked where the role needs it."""

    role = fields.Enum(
        Role,
        by_value=True,
        required=True,
        error_messages=choice("whose account it is"),
        metadata={"title": "Whose account is it?", "x-words": ROLE_WORDS},
    )
    party_id = Words(
        longest=40,
        missing="",
        load_default=None,
        metadata={"title": "For which organisation?", "x-widget": "select"},
    )
    name = Words(required=True, longest=120, missing="Enter the person's name", metadata={"title": "Name"})
    email = Words(
        required=True,
        longest=254,
        missing="Enter their e-mail address",
        validate=Email(error="Enter an e-mail address like name@example.org"),
        metadata={"title": "E-mail address", "description": "They sign in with it, and letters go there."},
    )
