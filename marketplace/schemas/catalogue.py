"""The catalogue: a service with its unit and prices, other prices for it, and what no budget may pay for."""

from typing import Any

from marshmallow import Schema, fields, post_load
from marshmallow.validate import OneOf

from marketplace.journey.catalogue import Prices

from .fields import Pounds, Words, choice

UNITS = ("session", "hour", "visit", "day", "night", "week")
_AMOUNT = {"required": "Enter an amount in pounds, like 48.50"}


def _price(title: str, description: str) -> Pounds:
    return Pounds(
        required=True,
        minimum_pence=1,
        error_messages=_AMOUNT,
        metadata={"title": title, "description": description, "x-prefix": "£", "x-width": 5},
    )


class PricesSchema(Schema):
    """What a unit of a service costs, in the three ways."""

    reference_pence = _price("Guide price for one unit", "What you think a fair price is.")
    conventional_pence = _price("Price in the usual package", "What one unit costs inside the conventional package.")
    private_pence = _price("Price for one alone", "What one person pays who buys a single unit.")
    source = Words(
        required=True,
        longest=1000,
        missing="Write where these prices come from",
        metadata={"title": "Where do these prices come from?"},
    )

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Any:
        """As the step knows them."""
        return Prices(**data)


class ServiceSchema(PricesSchema):
    """A service that is new in the catalogue."""

    name = Words(required=True, longest=80, missing="Enter the name of the service", metadata={"title": "Name"})
    unit = fields.String(
        required=True,
        validate=OneOf(UNITS, error="Choose what is counted"),
        error_messages=choice("what is counted"),
        metadata={"title": "What is counted?"},
    )

    class Meta:
        """The name stands first, on the page and in the error summary."""

        fields = ("name", "unit", "reference_pence", "conventional_pence", "private_pence", "source")

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Any:
        """Name, unit and prices."""
        prices = Prices(**{name: data[name] for name in Prices.__slots__})
        return {"name": data["name"], "unit": data["unit"], "prices": prices}


class ExclusionSchema(Schema):
    """What no budget may pay for."""

    name = Words(required=True, longest=80, missing="Enter what is excluded", metadata={"title": "What is excluded?"})
    reason = Words(
        required=True,
        longest=500,
        missing="Write the reason in a sentence",
        metadata={"title": "Why?", "description": "Whoever plans it reads this."},
    )
