"""The steps of a tender's life beside its straight way: amendments, questions, exclusions, objections, decisions."""

from typing import Any

from marshmallow import Schema, fields, post_load
from marshmallow.validate import Length, OneOf

from marketplace.records.offers import ExclusionCode
from marketplace.records.people import InterestKind
from marketplace.records.tenders import CancelCode, Decision
from marketplace.rules.awarding import SHORTEST_REASONS

from .fields import Day, Words, choice
from .tenders import TenderSchema

CANCEL_WORDS = {
    "no_longer_needed": "It is no longer needed",
    "error_in_tender": "There is an error in the tender",
    "conduct": "Somebody did not keep to the rules",
    "funds_withdrawn": "The money is no longer there",
}
"""The grounds that a person may choose; the others follow from a review."""


INTEREST_WORDS = {
    "owns": "We own it, or a part of it",
    "paid_by": "It pays us, or somebody who works for us",
    "represents": "We act for it",
}
"""How a broker may stand to a provider, in its own words."""


class ClarifySchema(Schema):
    """An explanation of an open tender, for everybody to read."""

    text = Words(
        required=True,
        longest=2000,
        missing="Write what you want to explain, in a sentence or two",
        metadata={"title": "What do you want to explain?"},
    )


class ExtendSchema(Schema):
    """A later deadline, and why."""

    offers_due_on = Day(
        required=True, missing="Enter the new last day for offers", metadata={"title": "New last day for offers"}
    )
    text = Words(
        required=True,
        longest=2000,
        missing="Write why the deadline changes, in a sentence or two",
        metadata={"title": "Why does the deadline change?"},
    )


class PolicySchema(TenderSchema):
    """What counts how much, and the times, of a tender that has its title already."""

    class Meta:
        """The title stays what it is."""

        exclude = ("title",)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """As they are: the page puts them in place of the old ones."""
        return data


class ChangeSchema(PolicySchema):
    """A changed policy of an open tender, with its later deadline and what has changed."""

    offers_due_on = Day(
        required=True, missing="Enter the new last day for offers", metadata={"title": "New last day for offers"}
    )
    text = Words(
        required=True,
        longest=2000,
        missing="Write what changes and why, in a sentence or two",
        metadata={"title": "What changes, and why?"},
    )


class QuestionSchema(Schema):
    """A provider's question, public and without a name."""

    text = Words(
        required=True,
        longest=1000,
        missing="Write your question",
        metadata={"title": "What do you want to know?"},
    )


class AnswerSchema(Schema):
    """The broker's answer."""

    text = Words(required=True, longest=2000, missing="Write your answer", metadata={"title": "Your answer"})


GROUNDS_WORDS = {
    ExclusionCode.CONFLICT.value: "Its provider and I have a conflict of interest",
    ExclusionCode.SUSPENSION.value: "Its provider is suspended",
    ExclusionCode.PROVIDERS_ERROR.value: "Its provider has told us of an error in it",
    ExclusionCode.RATING_FELL.value: "The published rating of its place has gone down since it was sealed",
    ExclusionCode.PLACE_TOO_FAR.value: "Its place has moved, and is too far now for people matched with it",
}
LEFT_OUT_FOR = {
    ExclusionCode.CONFLICT.value: "conflict of interest",
    ExclusionCode.SUSPENSION.value: "its provider was suspended",
    ExclusionCode.PROVIDERS_ERROR.value: "its provider told us of an error in it",
    ExclusionCode.RATING_FELL.value: "the published rating of its place had gone down since it was sealed",
    ExclusionCode.PLACE_TOO_FAR.value: "its place had moved, and was too far for people matched with it",
}
"""The same, of an offer that is left out already."""


class ExcludeSchema(Schema):
    """The grounds on which an opened offer is left out."""

    code = fields.Enum(
        ExclusionCode,
        by_value=True,
        required=True,
        error_messages=choice("the grounds"),
        metadata={
            "title": "On what grounds?",
            "x-words": GROUNDS_WORDS,
        },
    )
    reason = Words(
        required=True,
        longest=1000,
        missing="Write why this offer is left out",
        validate=Length(min=10, error="Write in a sentence why this offer is left out"),
        metadata={"title": "Why is this offer left out?"},
    )


class CancelSchema(Schema):
    """Why a tender, or some lots of it, is cancelled."""

    bundle_ids = fields.List(
        fields.String(),
        load_default=None,
        metadata={"title": "Which groups?", "description": "None: the whole tender."},
    )
    code = fields.String(
        required=True,
        validate=OneOf(list(CANCEL_WORDS), list(CANCEL_WORDS.values()), error="Choose the grounds"),
        error_messages=choice("the grounds"),
        metadata={"title": "On what grounds?"},
    )
    reason = Words(
        required=True,
        longest=1000,
        missing="Write why it is cancelled",
        validate=Length(min=10, error="Write in a sentence why it is cancelled"),
        metadata={"title": "Why is it cancelled?"},
    )

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """With the code as the records know it."""
        return data | {"code": CancelCode(data["code"])}


class InterestSchema(Schema):
    """A broker's interest in a provider."""

    provider_id = fields.String(
        required=True,
        error_messages={"required": "Choose a provider"},
        metadata={"title": "Which provider?", "x-widget": "select"},
    )
    kind = fields.Enum(
        InterestKind,
        by_value=True,
        required=True,
        error_messages=choice("what your link to this provider is"),
        metadata={
            "title": "What is your link to this provider?",
            "x-words": INTEREST_WORDS,
        },
    )


class AdmitErrorSchema(Schema):
    """A provider's word on the error in its own offer."""

    reason = Words(
        required=True, longest=1000, missing="Write what is wrong with it", metadata={"title": "What is wrong with it?"}
    )


class GroundsSchema(Schema):
    """What a bidder thinks was wrong with an award."""

    grounds = Words(
        required=True,
        longest=4000,
        missing="Write what you think was wrong, and why",
        metadata={"title": "What do you think was wrong, and why?"},
    )


class DecisionSchema(Schema):
    """A commissioner's decision on a representation."""

    decision = fields.Enum(
        Decision,
        by_value=True,
        required=True,
        error_messages=choice("what you decide"),
        metadata={
            "title": "What do you decide?",
            "x-words": {
                "refused": "Refuse it: the award stands, and the pause goes on",
                "run_again": "Uphold it: the match must be run again",
                "cancel": "Uphold it: the tender is cancelled",
            },
        },
    )
    reasons = Words(
        required=True,
        longest=4000,
        missing="Write the reasons for your decision",
        validate=Length(
            min=SHORTEST_REASONS,
            error=f"Write more about the reasons for your decision: at least {SHORTEST_REASONS} characters",
        ),
        metadata={"title": "Your reasons for this decision"},
    )
