"""A provider's offer. Loads into `OfferTerms`, which the journey checks against the tender and seals."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validates
from marshmallow.validate import Length

from marketplace.rules.tendering import MAX_UNITS, OfferTerms

from .fields import Kilometres, Pounds, Whole, Words


class TierSchema(Schema):
    """One volume band of an offer: from so many units on, this price for every unit."""

    from_units = Whole(0, MAX_UNITS, required=True, metadata={"title": "From how many units"})
    price_pence = Pounds(
        required=True, metadata={"title": "Price per unit", "x-missing": "Enter an amount, like 48.50", "x-prefix": "£"}
    )


class LineSchema(Schema):
    """An offer's part for one lot."""

    bundle = fields.String(required=True, error_messages={"required": "Choose a lot"}, metadata={"title": "Lot"})
    min_units = Whole(0, MAX_UNITS, load_default=0, metadata={"title": "Fewest units in this lot (optional)"})
    max_units = Whole(1, MAX_UNITS, load_default=None, metadata={"title": "Most units in this lot (optional)"})
    tiers = fields.List(
        fields.Nested(TierSchema),
        required=True,
        validate=Length(min=1, max=10, error="Enter at least one price"),
        error_messages={"required": "Enter at least one price"},
        metadata={"title": "Prices"},
    )


class OfferSchema(Schema):
    """A whole offer: site, fee, least and most units, prices by lot and volume band."""

    site_id = fields.String(
        required=True, error_messages={"required": "Choose a place"}, metadata={"title": "From which place"}
    )
    fee_pence = Pounds(
        load_default=0,
        metadata={
            "title": "Fixed fee (optional)",
            "description": "Counted once if you are awarded anything; shared by the patients you serve.",
            "x-prefix": "£",
        },
    )
    min_units = Whole(
        0,
        MAX_UNITS,
        load_default=0,
        metadata={"title": "Fewest units in all (optional)", "description": "Below this you would not start."},
    )
    max_units = Whole(
        1,
        MAX_UNITS,
        load_default=None,
        metadata={
            "title": "Most units in all (optional)",
            "description": "What you can deliver until the care ends.",
        },
    )
    max_distance_m = Kilometres(
        load_default=None,
        metadata={
            "title": "How far you go (optional)",
            "description": "For visits at home: patients further away are not matched with this offer.",
            "x-suffix": "km",
        },
    )
    exclusive = Words(
        longest=40,
        missing="",
        load_default=None,
        metadata={
            "title": "Use only one of these offers (optional)",
            "description": "Write the same word in each of your offers on this tender of which only one may be used. "
            "With one offer, leave this empty.",
        },
    )
    lines = fields.List(
        fields.Nested(LineSchema),
        required=True,
        validate=Length(min=1, max=50, error="Enter a price for at least one group"),
        error_messages={"required": "Enter a price for at least one group"},
        metadata={"title": "The prices of each lot"},
    )

    @validates("lines")
    def check_lines(self, value: list[dict[str, Any]], data_key: str) -> None:
        """Each lot once."""
        lots = [line["bundle"] for line in value]
        if len(set(lots)) != len(lots):
            raise ValidationError("Each lot may appear once in an offer", field_name=data_key)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> OfferTerms:
        """The terms as a value."""
        return OfferTerms.from_document(data)
