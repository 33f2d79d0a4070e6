"""A budget that a commissioner gives: for somebody new, for somebody registered, or one line of a file of budgets."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validates_schema
from marshmallow.validate import Length, OneOf, Regexp

from marketplace.journey.allocations import Draft, FileLine, NewPerson
from marketplace.journey.budgets import BudgetDetails, LineDetails
from marketplace.records.budgets import BudgetKind, ManagedAs
from marketplace.rules.budgets import MAX_UNITS

from .clients import PersonSchema
from .fields import Day, Kilometres, Pounds, Whole, Words, choice
from .support import Conditions, SupportFactsSchema

KIND_WORDS = {"yearly": "Every year", "episodic": "For one course of care"}
KEEPER_WORDS = {
    "notional": "The commissioner holds it, and pays providers",
    "third_party": "An organisation holds it",
    "direct_payment": "The patient holds it",
}
KIND_CELLS = {"yearly": BudgetKind.YEARLY, "one course": BudgetKind.EPISODIC}
KEEPER_CELLS = {
    "commissioner": ManagedAs.NOTIONAL,
    "organisation": ManagedAs.THIRD_PARTY,
    "patient": ManagedAs.DIRECT_PAYMENT,
}
"""What people write into the cells of a file; the field's own terms (episodic, notional ...) do as well."""

ATTRIBUTE_WORDS = {
    "step_free": "Step-free access",
    "home_visit": "Home visits",
    "evening": "Evening sessions",
    "weekend": "Weekend sessions",
}
GRADE_WORDS = {"2": "Requires improvement, or better", "3": "Good, or better", "4": "Outstanding only"}
_AMOUNT = {"required": "Enter an amount in pounds, like 48.50"}
LONGEST_WAIT_DAYS = 365


class OneOfWords(fields.Field[Any]):
    """A choice as people type it into a cell: in its plain words, or by the term of the field."""

    def __init__(self, plain: Mapping[str, StrEnum], **arguments: Any) -> None:
        self.meant = dict(plain) | {member.value.replace("_", " "): member for member in plain.values()}
        told = "Use one of these words: " + ", ".join(plain)
        super().__init__(error_messages=dict.fromkeys(("required", "null", "unknown"), told), **arguments)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> StrEnum:
        word = " ".join(str(value).replace("_", " ").split()).casefold()
        if word not in self.meant:
            raise self.make_error("unknown")
        return self.meant[word]


class YesOrEmpty(fields.Field[bool]):
    """A cell that says yes, no, or nothing (no)."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        word = str(value).strip().casefold()
        if word not in {"yes", "no", ""}:
            raise ValidationError("Write yes, or leave the cell empty")
        return word == "yes"


class PlanLineSchema(Schema):
    """One part of a care plan, with what its service must be like."""

    service_id = Words(
        required=True,
        longest=40,
        missing="Choose a service",
        metadata={"title": "Service", "x-widget": "select"},
    )
    outcome = Words(
        required=True,
        longest=500,
        missing="Write what this is to achieve",
        metadata={"title": "What is it for?", "description": "In the person's words, like: walk to the shops again"},
    )
    units = Whole(1, MAX_UNITS, required=True, metadata={"title": "How many units?", "x-width": 4})
    budget_pence = Pounds(
        required=True,
        minimum_pence=1,
        error_messages=_AMOUNT,
        metadata={"title": "At most how much in all?", "x-prefix": "£", "x-width": 5},
    )
    max_distance_m = Kilometres(
        load_default=None,
        metadata={"title": "How far can they go? (optional)", "x-suffix": "km", "x-width": 4},
    )
    max_wait_days = Whole(
        1,
        LONGEST_WAIT_DAYS,
        load_default=None,
        metadata={"title": "How long can they wait? (optional)", "x-suffix": "days", "x-width": 4},
    )
    min_grade = fields.Integer(
        load_default=None,
        validate=OneOf([2, 3, 4], error="Choose a rating from the list"),
        error_messages={"invalid": "Choose a rating from the list"},
        metadata={"title": "Lowest rating (optional)", "x-widget": "select", "x-words": GRADE_WORDS},
    )
    requires = fields.List(
        fields.String(validate=OneOf(list(ATTRIBUTE_WORDS), error="Choose from the list")),
        load_default=list,
        metadata={"title": "What they need there (optional)", "x-words": ATTRIBUTE_WORDS},
    )

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> LineDetails:
        """As the step knows it."""
        return LineDetails(**{**data, "requires": tuple(data["requires"])})


class BudgetSchema(Schema):
    """A budget for somebody who is registered."""

    request_id = fields.String(
        required=True,
        validate=Regexp(r"^[0-9a-z]{16}$", error="Open the page again"),
        error_messages={"required": "Open the page again"},
        metadata={"title": "This form's number"},
    )
    kind = fields.Enum(
        BudgetKind,
        by_value=True,
        required=True,
        error_messages=choice("what the budget is for"),
        metadata={"title": "What kind of budget?", "x-words": KIND_WORDS},
    )
    managed_as = fields.Enum(
        ManagedAs,
        by_value=True,
        required=True,
        error_messages=choice("who holds the money"),
        metadata={"title": "Who holds the money?", "x-words": KEEPER_WORDS},
    )
    holder_id = Words(
        longest=24,
        missing="",
        load_default=None,
        metadata={"title": "Which organisation? (only if one holds it)", "x-widget": "select"},
    )
    valid_from = Day(required=True, missing="Enter the first day", metadata={"title": "From"})
    valid_to = Day(required=True, missing="Enter the last day", metadata={"title": "Until, including this day"})
    amount_pence = Pounds(
        required=True,
        minimum_pence=1,
        error_messages=_AMOUNT,
        metadata={"title": "How much is the budget?", "x-prefix": "£", "x-width": 5},
    )
    lines = fields.List(
        fields.Nested(PlanLineSchema),
        required=True,
        validate=Length(min=1, max=20, error="Fill in at least one part of the care plan"),
        error_messages={"required": "Fill in at least one part of the care plan"},
        metadata={"title": "The care plan"},
    )

    @validates_schema(skip_on_field_errors=False)
    def check_holder(self, data: dict[str, Any], **_: Any) -> None:
        """Where an organisation holds the money, it is said which."""
        _check_named(data, "holder_id")

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Draft:
        """As the step knows it; whose it is, the page says."""
        return Draft(_details(data))


class AllocationSchema(PersonSchema, SupportFactsSchema, BudgetSchema):
    """A budget for somebody new."""

    class Meta:
        """The person stands first, on the page and in the error summary."""

        fields = (
            "name", "nhs_number", "birth_year", "district", "deprivation_decile", "lacks_capacity", "conditions",
            "kind", "managed_as", "holder_id", "valid_from", "valid_to", "amount_pence", "lines", "request_id",
        )  # fmt: skip

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Draft:
        """As the step knows it."""
        person = NewPerson(
            **{name: data[name] for name in NewPerson.__slots__} | {"conditions": tuple(data["conditions"])}
        )
        return Draft(_details(data), person=person)


class FileLineSchema(PersonSchema):
    """One line of a file: a person, their budget, and one part of its care plan."""

    deprivation_decile = Whole(1, 10, load_default=None, metadata={"title": "Deprivation, 1 to 10 (optional)"})
    lacks_capacity = YesOrEmpty(load_default=False, metadata={"title": "Lacks capacity (yes or empty)"})
    conditions = Conditions(load_default=(), metadata={"title": "Conditions, with commas (optional)"})
    kind = OneOfWords(KIND_CELLS, required=True, metadata={"title": "Yearly or one course"})
    managed_as = OneOfWords(KEEPER_CELLS, required=True, metadata={"title": "Who holds the money"})
    holder = Words(longest=120, missing="", load_default=None, metadata={"title": "Organisation (if one holds it)"})
    valid_from = Day(required=True, missing="Enter the first day", metadata={"title": "From"})
    valid_to = Day(required=True, missing="Enter the last day", metadata={"title": "Until"})
    amount_pence = Pounds(
        required=True, minimum_pence=1, error_messages=_AMOUNT, metadata={"title": "Budget in pounds"}
    )
    service = Words(required=True, longest=80, missing="Enter a service", metadata={"title": "Service"})
    outcome = Words(
        required=True, longest=500, missing="Write what this is to achieve", metadata={"title": "What it is for"}
    )
    units = Whole(1, MAX_UNITS, required=True, metadata={"title": "How many"})
    budget_pence = Pounds(
        required=True, minimum_pence=1, error_messages=_AMOUNT, metadata={"title": "At most, in pounds"}
    )
    max_distance_m = Kilometres(load_default=None, metadata={"title": "Furthest, in km (optional)"})
    max_wait_days = Whole(
        1, LONGEST_WAIT_DAYS, load_default=None, metadata={"title": "Longest wait, in days (optional)"}
    )

    @validates_schema(skip_on_field_errors=False)
    def check_holder(self, data: dict[str, Any], **_: Any) -> None:
        """Where an organisation holds the money, it is said which."""
        _check_named(data, "holder")

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> FileLine:
        """The line as a value."""
        return FileLine(**data)


def _check_named(data: Mapping[str, Any], place: str) -> None:
    if data.get("managed_as") is ManagedAs.THIRD_PARTY and not data.get(place):
        raise ValidationError("Say which organisation holds the money. It must be admitted first", field_name=place)


def _details(data: Mapping[str, Any]) -> BudgetDetails:
    return BudgetDetails(
        kind=data["kind"],
        managed_as=data["managed_as"],
        valid_from=data["valid_from"],
        valid_to=data["valid_to"],
        amount_pence=data["amount_pence"],
        lines=tuple(data["lines"]),
        holder_id=data["holder_id"],
        id=data["request_id"],
    )
