"""What a provider records as delivered."""

from marshmallow import Schema

from marketplace.rules.tendering import MAX_UNITS

from .fields import Day, Whole


class DeliverySchema(Schema):
    """Units on a day."""

    units = Whole(
        1,
        MAX_UNITS,
        required=True,
        metadata={"title": "How many units were delivered"},
    )
    delivered_on = Day(required=True, missing="Enter the day it was delivered", metadata={"title": "On which day"})
