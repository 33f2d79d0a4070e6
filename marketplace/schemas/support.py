"""What extra support asks of a form: the facts that the commissioner's rule is about, and who stands by somebody."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load
from marshmallow.validate import OneOf

from marketplace.journey.support import PersonFacts
from marketplace.journey.supporters import SupporterDetails
from marketplace.rules.support import CONDITIONS

from .fields import Whole, Words

CONDITION_WORDS = {name: name.replace("_", " ").capitalize() for name in CONDITIONS} | {
    "copd": "COPD (lung disease)",
}
_DECILE = "Enter a whole number from 1 to 10"
_FROM_LIST = "Choose conditions from the list"


class Conditions(fields.Field[tuple[str, ...]]):
    """A cell with conditions, between commas or semicolons, each by its name in the list; empty: none is known."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[str, ...]:
        known = {words.casefold(): name for name, words in CONDITION_WORDS.items()}
        known |= {name.replace("_", " "): name for name in CONDITIONS}
        found = set()
        for part in str(value).replace(";", ",").replace("_", " ").split(","):
            word = " ".join(part.split()).casefold()
            if word and word not in known:
                raise ValidationError("Use names of conditions from the list, with commas between them")
            found |= {known[word]} if word else set()
        return tuple(sorted(found))


class Chosen(fields.List[Any]):
    """What is ticked in a list, as a value that cannot be changed."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **arguments: Any) -> Any:
        return tuple(sorted(set(super()._deserialize(value, attr, data, **arguments))))


class SupportFactsSchema(Schema):
    """What is recorded of a person for the rule of extra support."""

    deprivation_decile = Whole(
        1,
        10,
        message=_DECILE,
        load_default=None,
        metadata={
            "title": "Deprivation of the area they live in (optional)",
            "description": "From 1, the most deprived tenth of areas in England, to 10, the least.",
            "x-width": 2,
        },
    )
    lacks_capacity = fields.Boolean(
        load_default=False,
        metadata={
            "title": "They lack capacity to decide on their care",
            "description": "As assessed under the Mental Capacity Act 2005.",
        },
    )
    conditions = Chosen(
        fields.String(validate=OneOf(CONDITIONS, error=_FROM_LIST)),
        load_default=tuple,
        metadata={"title": "Long-term conditions (optional)", "x-words": CONDITION_WORDS},
    )


class RecordFactsSchema(SupportFactsSchema):
    """The same as the step knows it."""

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> PersonFacts:
        """As values."""
        return PersonFacts(**data)


class SupporterSchema(Schema):
    """Who stands by somebody."""

    name = Words(
        required=True, longest=120, missing="Enter the supporter's name", metadata={"title": "The supporter's name"}
    )
    who = Words(
        required=True,
        longest=120,
        missing="Enter who they are, like care coordinator",
        metadata={"title": "Who are they?", "description": "Like: care coordinator at the surgery"},
    )
    reach = Words(
        required=True,
        longest=120,
        missing="Enter a telephone number or an e-mail address",
        metadata={
            "title": "How can they be reached?",
            "description": "A telephone number or an e-mail address. The patient will read it.",
        },
    )

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> SupporterDetails:
        """As the step knows it."""
        return SupporterDetails(**data)
