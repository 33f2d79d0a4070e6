"""What a provider records as delivered."""

from typing import Any

from marshmallow import Schema, fields, post_load

from marketplace.journey.delivery_files import DeliveryDetails
from marketplace.rules.tendering import MAX_UNITS

from .fields import Day, Whole


class DeliverySchema(Schema):
    """Units on a day."""

    units = Whole(
        1,
        MAX_UNITS,
        required=True,
        metadata={"title": "How many units were delivered", "x-missing": "Enter how many were delivered"},
    )
    delivered_on = Day(required=True, missing="Enter the day it was delivered", metadata={"title": "On which day"})


class DeliveryRowSchema(Schema):
    """One line of a provider's file of deliveries."""

    contract_id = fields.String(
        required=True,
        error_messages=dict.fromkeys(("required", "null", "invalid"), "Enter the contract number of the template"),
        metadata={"title": "Contract number"},
    )
    delivered_on = Day(required=True, missing="Enter the day it was delivered", metadata={"title": "Day"})
    units = Whole(1, MAX_UNITS, required=True, metadata={"title": "Units delivered"})

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> DeliveryDetails:
        """The line as a value."""
        return DeliveryDetails(**data)
