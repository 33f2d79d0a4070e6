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
    """Four questions, a limit for the distance, and whether to stay with the present provider."""

    quality = _importance("How much does quality count for you?", "Quality is what inspectors say about a provider.")
    distance = _importance(
        "How much does it count for you that the place is near?", "This is how far it is from your area."
    )
    wait = _importance("How much does it count for you to start soon?", "This is how soon your first visit can be.")
    continuity = _importance("How much does it count for you to keep your provider?", "The provider you have now.")
    max_distance_m = Kilometres(
        load_default=None,
        metadata={
            "title": "How far can you go at most?",
            "description": "In whole kilometres: 10 is about 6 miles. Leave it empty if you set no limit.",
            "x-suffix": "km",
            "x-width": 3,
        },
    )
    keep_provider = fields.Boolean(
        load_default=False,
        metadata={
            "title": "I only want the provider I have now",
            "description": "If that is not possible, I want no match.",
        },
    )

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Preferences:
        """The preferences as a value."""
        return Preferences(**data)
