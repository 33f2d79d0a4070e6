"""What counts for a patient in a pool, as plain questions: loads into the rules' `Preferences`."""

from typing import Any

from marshmallow import Schema, fields, post_load

from marketplace.rules.preferences import Importance, Preferences

from .fields import Kilometres


def _importance(title: str, hint: str) -> fields.Enum[Importance]:
    return fields.Enum(
        Importance, by_value=True, load_default=Importance.NORMAL, metadata={"title": title, "description": hint}
    )


class PreferencesSchema(Schema):
    """Four questions, a longest way, and whether to stay with the present provider."""

    quality = _importance(
        "How much does quality count for you?", "Quality is what the inspectors say about a provider."
    )
    distance = _importance(
        "How much does a short way count for you?", "This is the way from your area to the provider."
    )
    wait = _importance("How much does an early start count for you?", "This is how soon you get the first appointment.")
    continuity = _importance("How much does it count to keep your provider?", "Leave it as it is if you have none now.")
    max_distance_m = Kilometres(
        load_default=None,
        metadata={
            "title": "What is the longest way you can go?",
            "description": "In kilometres, like 10. That is about 6 miles. Leave it empty if you set no limit.",
            "x-suffix": "km",
            "x-width": 3,
        },
    )
    keep_provider = fields.Boolean(
        load_default=False,
        metadata={
            "title": "I only want the provider I have now",
            "description": "If this is not possible, I want no match.",
        },
    )

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Preferences:
        """The preferences as a value."""
        return Preferences(**data)
