"""What a patient says of the people around them: which broker, how good a provider was."""

from marshmallow import Schema, fields
from marshmallow.validate import OneOf, Range

from .fields import Words

STARS = (
    (5, "5 stars: very good"),
    (4, "4 stars: good"),
    (3, "3 stars: so-so"),
    (2, "2 stars: poor"),
    (1, "1 star: bad"),
)
"""What each number of stars means."""

_CHOOSE_STARS = "Choose how good this provider is: one to five stars"


class ChooseBrokerSchema(Schema):
    """The broker who is to buy care for a patient."""

    broker_id = fields.String(
        required=True,
        error_messages=dict.fromkeys(("required", "null", "invalid"), "Choose a broker"),
        metadata={"title": "Which broker do you want?"},
    )


class RatingSchema(Schema):
    """One to five stars, and a few words if somebody likes: for whom is theirs to say."""

    stars = fields.Integer(
        required=True,
        validate=Range(min=1, max=5, error=_CHOOSE_STARS),
        error_messages=dict.fromkeys(("required", "null", "invalid", "too_large"), _CHOOSE_STARS),
        metadata={"title": "How good is this provider?"},
    )
    words = Words(
        longest=1000,
        missing="",
        load_default="",
        metadata={
            "title": "What do you want to say about it?",
            "description": "You can leave this empty. Your local care team reads it, with your name.",
        },
    )
    provider_may_read = fields.String(
        load_default="no",
        validate=OneOf(["yes", "no"], error="Choose whether your provider may read it"),
        metadata={
            "title": "May your provider read what you wrote?",
            "description": (
                "If you say yes, we leave out your name. We wait until more people have given stars. "
                "Your provider may still guess who wrote it."
            ),
            "x-words": {"yes": "Yes, without my name", "no": "No, only my local care team"},
        },
    )
