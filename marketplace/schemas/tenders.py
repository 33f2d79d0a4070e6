"""A tender: its policy, its lots, its deadline, its award."""

from typing import Any

from marshmallow import Schema, fields, post_load

from marketplace.rules.pooling import BundleTerms, area_name
from marketplace.rules.sharing import Pooling
from marketplace.rules.tendering import MOST_IN_POLICY, Policy

from .fields import Day, Pounds, Whole, Words, choice


class TenderSchema(Schema):
    """A draft tender: a title, what counts how much, and its times. Loads into {title, policy}."""

    title = Words(
        required=True,
        longest=120,
        missing="Enter a title, like Physiotherapy around Lincoln",
        metadata={"title": "Title of the tender"},
    )
    pence_per_quality_grade = Pounds(
        most_pence=MOST_IN_POLICY,
        like="3.00",
        load_default=300,
        metadata={
            "title": "What one grade of quality is worth, per unit",
            "description": "An offer one grade below the best counts as this much dearer. Nobody pays it.",
        },
    )
    pence_per_km = Pounds(
        most_pence=MOST_IN_POLICY,
        like="0.30",
        load_default=30,
        metadata={
            "title": "What one kilometre of travel is worth, per unit",
            "description": "A provider one kilometre further away counts as this much dearer. Nobody pays it.",
        },
    )
    pence_per_wait_day = Pounds(
        most_pence=MOST_IN_POLICY,
        like="0.50",
        load_default=0,
        metadata={
            "title": "What one day of waiting is worth",
            "description": "Each day until the first appointment counts as this much. Nobody pays it.",
        },
    )
    pence_per_change = Pounds(
        most_pence=MOST_IN_POLICY,
        like="20.00",
        load_default=2000,
        metadata={
            "title": "What a change of provider is worth, once",
            "description": "Leaving the provider that a patient already has counts as this much. Nobody pays it.",
        },
    )
    pooling = fields.Enum(
        Pooling,
        by_value=True,
        load_default=Pooling.OWN_BUDGET,
        error_messages=choice("who may pay for whom"),
        metadata={
            "title": "Who may pay for whom?",
            "description": "If people help each other, more of them can be matched. Each person must agree to it.",
            "x-words": {
                "own_budget": "Each person's budget pays for that person only",
                "shared_pool": "People help each other: what one budget has left over can carry what another lacks",
            },
        },
    )
    minimum_offers = Whole(
        1,
        100,
        load_default=1,
        metadata={"title": "Smallest number of offers", "description": "With fewer, the tender ends without an award."},
    )
    answer_days = Whole(
        1,
        60,
        load_default=7,
        metadata={
            "title": "Days for patients to answer",
            "description": (
                "If somebody has not answered by then, the answer they chose when they joined counts: yes or no."
            ),
        },
    )

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Gather the policy."""
        return {"title": data.pop("title"), "policy": Policy(**data)}


class BundleSchema(Schema):
    """A lot of a draft tender. Loads into `BundleTerms`."""

    service_id = fields.String(
        required=True, error_messages={"required": "Choose a service"}, metadata={"title": "Service"}
    )
    area = Words(longest=80, missing="", load_default="", metadata={"title": "Name of the area"})
    districts = fields.List(
        Words(required=True, longest=8, missing="Choose a postcode district"),
        required=True,
        error_messages={"required": "Choose at least one postcode district"},
        metadata={"title": "Postcode districts"},
    )
    period_from = Day(required=True, missing="Enter the day it starts", metadata={"title": "Starts on"})
    period_to = Day(required=True, missing="Enter the day it ends", metadata={"title": "Ends on"})
    min_grade = Whole(
        1,
        4,
        load_default=None,
        metadata={
            "title": "Lowest quality (optional)",
            "description": "Providers without a rating are then left out.",
            "x-widget": "select",
        },
    )
    min_providers = Whole(
        1,
        20,
        load_default=None,
        metadata={"title": "Smallest number of providers (optional)", "description": "So that people have a choice."},
    )
    max_providers = Whole(
        1,
        20,
        load_default=None,
        metadata={"title": "Largest number of providers (optional)", "description": "So that care is not split up."},
    )

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> BundleTerms:
        """The terms; an area without a name is called by its districts."""
        districts = tuple(sorted(set(data.pop("districts"))))
        area = data.pop("area") or (area_name(districts) if districts else "")
        return BundleTerms(districts=districts, area=area[:80], **data)


class InviteSchema(Schema):
    """Whom to invite."""

    plan_line_ids = fields.List(
        fields.String(),
        required=True,
        error_messages={"required": "Choose at least one patient to invite"},
        metadata={"title": "Patients to invite"},
    )


class PublishSchema(Schema):
    """The last day for offers; they close at the end of it, London time."""

    offers_due_on = Day(
        required=True, missing="Enter the last day for offers", metadata={"title": "Last day for offers"}
    )


class ReasonSchema(Schema):
    """Why something is withdrawn, declined or disputed."""

    reason = Words(required=True, longest=1000, missing="Say why", metadata={"title": "Why?"})


class AwardSchema(Schema):
    """The broker's written reasons for an award."""

    reasons = Words(
        required=True,
        longest=2000,
        missing="Write the reasons for this award in a sentence or two",
        metadata={"title": "Reasons for this award"},
    )
