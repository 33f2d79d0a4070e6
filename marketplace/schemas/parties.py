"""Who takes part: brokers, providers with their sites and the evidence of quality, and accounts for people."""

from datetime import date
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validates_schema
from marshmallow.validate import Email, OneOf

from marketplace.rules.contacts import (
    LONGEST_EMAIL,
    LONGEST_HOURS,
    LONGEST_TELEPHONE,
    NOT_A_TELEPHONE,
    NOT_AN_EMAIL,
    Contact,
    is_email,
    is_telephone,
)
from marketplace.rules.permissions import Role
from marketplace.rules.quality import PUBLISHED, UNRATED, WORDS
from marketplace.rules.sites import LONGEST_CONTACT, LONGEST_EVIDENCE, LONGEST_WAIT_DAYS, SiteStatement

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
_FURTHEST_M = 1_300_000


def _telephone(text: str) -> None:
    if text and not is_telephone(text):
        raise ValidationError(NOT_A_TELEPHONE)


def _email(text: str) -> None:
    if text and not is_email(text):
        raise ValidationError(NOT_AN_EMAIL)


class _ContactFields(Schema):
    """How an organisation is reached."""

    telephone = Words(
        longest=LONGEST_TELEPHONE,
        missing="",
        load_default=None,
        validate=_telephone,
        metadata={"title": "Telephone number (optional)", "description": "With its area code", "x-width": 20},
    )
    email = Words(
        longest=LONGEST_EMAIL,
        missing="",
        load_default=None,
        validate=_email,
        metadata={"title": "E-mail address (optional)"},
    )
    opening_hours = Words(
        longest=LONGEST_HOURS,
        missing="",
        load_default=None,
        metadata={
            "title": "When is somebody there? (optional)",
            "description": "For example: Monday to Friday, 9am to 5pm, not on bank holidays",
        },
    )


class ContactSchema(_ContactFields):
    """How a broker is reached: by telephone, by e-mail or both (the rule asks for one), and when."""

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Contact:
        """As the step knows it."""
        return Contact(**data)


class BrokerSchema(_ContactFields):
    """A broker to be admitted, with how it is reached where that is known."""

    name = Words(required=True, longest=120, missing="Enter the broker's name", metadata={"title": "Its name"})

    class Meta:
        """The name stands first, on the page and in the error summary."""

        fields = ("name", "telephone", "email", "opening_hours")

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Name and contact; no contact where nothing of it was typed."""
        name = data.pop("name")
        return {"name": name, "contact": Contact(**data) if any(data.values()) else None}


class _Services(fields.List[str]):
    """What is done at a place, out of the catalogue."""

    def __init__(self) -> None:
        super().__init__(
            fields.String(),
            required=True,
            error_messages={"required": "Choose at least one of the services there"},
            metadata={"title": "Services there"},
        )


class _Attributes(fields.List[str]):
    """What a place has, for those who need it."""

    def __init__(self) -> None:
        super().__init__(
            fields.String(validate=OneOf(list(ATTRIBUTE_WORDS), error="Choose from the list")),
            load_default=list,
            metadata={"title": "What is there? (optional)", "x-words": ATTRIBUTE_WORDS},
        )


class _FirstAppointment(Whole):
    """How long somebody waits for the first appointment at a place."""

    def __init__(self) -> None:
        super().__init__(
            0,
            LONGEST_WAIT_DAYS,
            load_default=None,
            metadata={"title": "Days to a first appointment (optional)", "x-width": 4},
        )


class _Rating(fields.String):
    """The regulator's word."""

    def __init__(self) -> None:
        super().__init__(
            required=True,
            validate=OneOf(PUBLISHED, error="Choose a rating from the list"),
            error_messages=choice("the published rating"),
            metadata={
                "title": "Published rating",
                "description": "The regulator's word, as published. Not rated is not the same as bad.",
            },
        )


class _PublishedOn(Day):
    """When the regulator published it; what it inspected and did not rate has a day too."""

    def __init__(self) -> None:
        told = {"title": "Published on", "description": "Leave it empty only if you choose “Not rated”."}
        super().__init__(missing="", load_default=None, metadata=told)


class RatingSchema(Schema):
    """A site's rating as the regulator has published it anew, and why it is changed here."""

    rating = _Rating()
    rating_date = _PublishedOn()
    reason = Words(
        required=True,
        longest=1000,
        missing="Write why the rating is changed",
        metadata={"title": "Why is it changed?"},
    )

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """What is called Not rated has neither a word nor a day."""
        if data["rating"] == WORDS[UNRATED]:
            data["rating"] = data["rating_date"] = None
        return data


class _Metres(Whole):
    """One number of a grid reference."""

    def __init__(self, title: str, description: str | None = None) -> None:
        super().__init__(
            0,
            _FURTHEST_M,
            load_default=None,
            metadata={"title": title, "x-width": 10} | ({"description": description} if description else {}),
        )


_EASTING = ("Easting in metres (optional)", "Of the National Grid. Without it we take the middle of the district.")
_NORTHING = "Northing in metres (optional)"


def _check_both(data: dict[str, Any]) -> None:
    if (data["easting_m"] is None) != (data["northing_m"] is None):
        place = "easting_m" if data["easting_m"] is None else "northing_m"
        raise ValidationError("Enter both numbers of the grid reference, or none", field_name=place)


class MoveSchema(Schema):
    """Where a place is from now on, and why it is somewhere else."""

    district = District()
    easting_m = _Metres(*_EASTING)
    northing_m = _Metres(_NORTHING)
    reason = Words(
        required=True,
        longest=1000,
        missing="Write why the place has moved",
        metadata={"title": "Why has it moved?"},
    )

    @validates_schema(skip_on_field_errors=True)
    def check_whole(self, data: dict[str, Any], **_: Any) -> None:
        """A grid reference has both its numbers."""
        _check_both(data)


class CloseSiteSchema(Schema):
    """Why a place is closed to new offers."""

    reason = Words(
        required=True,
        longest=1000,
        missing="Write why the place is closed",
        metadata={"title": "Why is it closed?"},
    )


class StatementSchema(Schema):
    """What a provider says of one of its places; `own_evidence` is asked for while there is no rating."""

    name = Words(required=True, longest=120, missing="Enter a name for the place", metadata={"title": "Place"})
    services = _Services()
    attributes = _Attributes()
    first_appointment_days = _FirstAppointment()
    contact = Words(
        longest=LONGEST_CONTACT,
        missing="",
        load_default=None,
        metadata={
            "title": "How do people reach you here? (optional)",
            "description": "A telephone number, an e-mail address or both. Whoever has a contract with you sees it, to "
            "book the first visit. No offer says it.",
        },
    )
    own_evidence = Words(
        longest=LONGEST_EVIDENCE,
        missing="",
        load_default=None,
        metadata={
            "title": "What shows how good you are here? (optional)",
            "description": "A few short sentences. For example: how many people you saw last year, and how many of "
            "them can do more than before. Patients read them as your own words. Name nobody.",
        },
    )
    own_evidence_date = Day(
        missing="", load_default=None, metadata={"title": "Which day is that from? (if you wrote something)"}
    )

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> SiteStatement:
        """As the step knows it."""
        lists = {name: tuple(data[name]) for name in ("services", "attributes")}
        return SiteStatement(**{**data, **lists})


class SiteSchema(Schema):
    """A place of a provider: where it is, what it offers there, and what the regulator has published about it."""

    site_name = Words(required=True, longest=120, missing="Enter a name for the place", metadata={"title": "Place"})
    district = District()
    easting_m = _Metres(*_EASTING)
    northing_m = _Metres(_NORTHING)
    services = _Services()
    attributes = _Attributes()
    rating = _Rating()
    rating_date = _PublishedOn()
    first_appointment_days = _FirstAppointment()

    @validates_schema(skip_on_field_errors=True)
    def check_whole(self, data: dict[str, Any], **_: Any) -> None:
        """A rating has its date, a grid reference both its numbers."""
        _check_both(data)
        rated = data["rating"] != WORDS[UNRATED]
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
        validate=Email(error=NOT_AN_EMAIL),
        metadata={"title": "E-mail address", "description": "They sign in with it, and e-mails go there."},
    )
