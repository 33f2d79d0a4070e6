"""A commissioner's word on organisations, and on who may act for a patient."""

from marshmallow import Schema, fields

from marketplace.records.people import AuthorityBasis
from marketplace.rules.permissions import Scope

from .fields import Day, Words, choice

SCOPE_WORDS = {
    "pools": "Join and leave groups, and say what counts",
    "matches": "Answer a match, and sign the contract or end it",
    "deliveries": "Say if care took place or something is wrong, and give stars",
    "broker": "Choose or change the broker",
    "payments": "Pay providers, where the patient keeps the money",
    "sharing": "Let what is left over help others in a group to pay",
    "leaving": "Leave the budget for the usual NHS care",
}
BASIS_WORDS = {
    "patients_wish": "The patient wishes it",
    "parent": "Parent of a child",
    "power_of_attorney": "Lasting power of attorney",
    "court_deputy": "Deputy appointed by the court",
}


class SuspendSchema(Schema):
    """Why an organisation is suspended."""

    reason = Words(
        required=True,
        longest=1000,
        missing="Write why it is suspended",
        metadata={"title": "Why is it suspended?"},
    )


class AuthoritySchema(Schema):
    """Who may act for a patient: on what basis, in what, from when until when."""

    email = Words(
        required=True,
        longest=254,
        missing="Enter the representative's e-mail address",
        metadata={"title": "The representative's e-mail address"},
    )
    basis = fields.Enum(
        AuthorityBasis,
        by_value=True,
        required=True,
        error_messages=choice("the basis"),
        metadata={"title": "On what basis may they act?", "x-words": BASIS_WORDS},
    )
    scopes = fields.List(
        fields.Enum(Scope, by_value=True),
        required=True,
        error_messages={"required": "Choose at least one thing that they may do"},
        metadata={"title": "What may they do?", "x-words": SCOPE_WORDS},
    )
    valid_from = Day(required=True, missing="Enter the first day", metadata={"title": "From"})
    valid_to = Day(required=True, missing="Enter the last day", metadata={"title": "Until, including this day"})
