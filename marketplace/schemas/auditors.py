"""Who is named to check a tender's round in full."""

from marshmallow import Schema

from .fields import Words


class StrikeOffSchema(Schema):
    """Why an auditor is struck off."""

    reason = Words(
        required=True,
        longest=1000,
        missing="Write why this auditor is struck off",
        metadata={"title": "Why are they struck off?"},
    )


class AuditorSchema(Schema):
    """An auditor: who it is, of which organisation, and what for."""

    name = Words(required=True, longest=120, missing="Write the auditor's name", metadata={"title": "Name"})
    organisation = Words(
        required=True, longest=120, missing="Write the auditor's organisation", metadata={"title": "Organisation"}
    )
    purpose = Words(
        required=True,
        longest=1000,
        missing="Write what they may use it for",
        metadata={
            "title": "What may they use it for?",
            "description": "Name the contract or the law by which they may have it.",
        },
    )
