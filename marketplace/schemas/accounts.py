"""Signing in, and passwords: the first one, a forgotten one, another one."""

from marshmallow import Schema, fields
from marshmallow.validate import Email

from .fields import Words

_GOOD_ONE = "At least 12 characters. Three or four words are good."


class SignInSchema(Schema):
    """An e-mail address and a password; wrong or missing, the answer is the same."""

    email = Words(required=True, longest=254, missing="Enter your e-mail address", metadata={"title": "E-mail address"})
    password = fields.String(
        required=True,
        error_messages={"required": "Enter your password", "null": "Enter your password"},
        metadata={"title": "Password"},
    )


class ChoosePasswordSchema(Schema):
    """A password, chosen with the one-time code."""

    email = Words(required=True, longest=254, missing="Enter your e-mail address", metadata={"title": "E-mail address"})
    code = Words(
        required=True,
        longest=40,
        missing="Enter the code you were given",
        metadata={"title": "One-time code", "description": "Sixteen letters and numbers, like 4ph2-…"},
    )
    password = fields.String(
        required=True,
        error_messages=dict.fromkeys(("required", "null"), "Choose a password"),
        metadata={"title": "Your password", "description": _GOOD_ONE},
    )


class ForgottenSchema(Schema):
    """Whose password is forgotten."""

    email = Words(
        required=True,
        longest=254,
        missing="Enter your e-mail address",
        validate=Email(error="Enter an e-mail address like name@example.org"),
        metadata={"title": "E-mail address", "description": "The one you sign in with."},
    )


class ChangePasswordSchema(Schema):
    """Another password, by whoever knows the one of now."""

    old_password = fields.String(
        required=True,
        error_messages=dict.fromkeys(("required", "null"), "Enter the password you have now"),
        metadata={"title": "The password you have now"},
    )
    password = fields.String(
        required=True,
        error_messages=dict.fromkeys(("required", "null"), "Enter the password you want"),
        metadata={"title": "The password you want", "description": _GOOD_ONE},
    )
