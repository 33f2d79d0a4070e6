"""What a commissioner decides about budgets: their money, their reviews, whom it puts first, who keeps them."""

from typing import Any

from marshmallow import Schema, fields, post_load
from marshmallow.validate import OneOf

from marketplace.journey.budgets import LineChange
from marketplace.rules.budgets import MAX_UNITS, FundingRules

from .fields import Pounds, Whole, Words, choice


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


class LineChangeSchema(Schema):
    """One line of a care plan as its review leaves it."""

    line_id = fields.String(required=True, metadata={"title": "Which part of the plan"})
    outcome = Words(
        required=True, longest=500, missing="Write what this is to achieve", metadata={"title": "What is it for?"}
    )
    units = Whole(1, MAX_UNITS, required=True, metadata={"title": "How many?"})
    budget_pence = Pounds(
        required=True,
        minimum_pence=1,
        error_messages={"required": "Enter an amount in pounds, like 48.50"},
        metadata={"title": "At most how much in all?", "x-prefix": "£"},
    )

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> LineChange:
        """As the step knows it."""
        return LineChange(**data)


class ReviewSchema(Schema):
    """What came of reviewing a care plan, and what it changes in its lines."""

    findings = Words(
        required=True,
        longest=4000,
        missing="Write what you found, in a sentence or two",
        metadata={"title": "What did you and the patient find?"},
    )
    lines = fields.List(fields.Nested(LineChangeSchema), load_default=list, metadata={"title": "The parts of the plan"})


class FundingRulesSchema(Schema):
    """A commissioner's rules: when plans are reviewed, who gets extra support and what, how long drafts are kept."""

    first_review_months = Whole(1, 24, required=True, metadata={"title": "Months to a plan's first review"})
    review_months = Whole(1, 24, required=True, metadata={"title": "Months from one review to the next"})
    support_from_age = Whole(
        0,
        120,
        load_default=None,
        metadata={"title": "Age: from this one on", "description": "Leave empty if age does not count."},
    )
    support_to_decile = Whole(
        1,
        10,
        load_default=None,
        metadata={
            "title": "Deprivation: the most deprived areas, up to this tenth",
            "description": "1\N{NO-BREAK SPACE}is the most deprived tenth of areas in England, "
            "2\N{NO-BREAK SPACE}the two most deprived. "
            "Leave empty if it does not count.",
        },
    )
    support_capacity = fields.Boolean(
        load_default=False, metadata={"title": "Capacity: whoever lacks capacity to decide on their care"}
    )
    support_conditions = Whole(
        1,
        12,
        load_default=None,
        metadata={
            "title": "Long-term conditions: from this many on",
            "description": "Leave empty if the number does not count.",
        },
    )
    support_priority = Whole(
        1,
        10,
        required=True,
        metadata={
            "title": "As how many people they count",
            "description": "If a group cannot serve everybody, the match serves as many as it can. They count as this "
            "many people, everybody else as 1.",
        },
    )
    support_answer_days = Whole(
        0,
        28,
        required=True,
        metadata={
            "title": "More days to answer a match",
            "description": "Added to the days that the tender gives everybody. The broker waits these extra days.",
        },
    )
    support_supplement_pence = Pounds(
        required=True,
        error_messages={"required": "Enter an amount in pounds, like 48.50"},
        metadata={
            "title": "Extra money",
            "description": "Paid into their budget once. 0 pays nothing.",
            "x-prefix": "£",
        },
    )
    draft_days = Whole(
        7,
        365,
        required=True,
        metadata={
            "title": "Days after which a draft tender is deleted",
            "description": "Counted from its broker's last change. Whoever was invited can be invited again then.",
        },
    )

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> FundingRules:
        """As the values that the rules know."""
        return FundingRules(**data)


class HolderSchema(Schema):
    """An organisation that is to keep budgets."""

    name = Words(required=True, longest=120, missing="Enter the organisation's name", metadata={"title": "Its name"})
