"""Signing in, and passwords: the first one, a forgotten one, another one."""

from marshmallow import Schema, fields
from marshmallow.validate import Email

from marketplace.rules.contacts import NOT_AN_EMAIL

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
        validate=Email(error=NOT_AN_EMAIL),
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


class CodeSchema(Schema):
    """A code of the app."""

    code = Words(
        required=True,
        longest=40,
        missing="Enter the code from your app",
        metadata={"title": "Code from your app", "description": "Six digits"},
    )


class RecoveryCodeSchema(Schema):
    """A recovery code in its place."""

    code = Words(
        required=True,
        longest=40,
        missing="Enter one of your recovery codes",
        metadata={"title": "Recovery code", "description": "Twelve letters and numbers, like 4ph2-…"},
    )


class ProofSchema(Schema):
    """Whoever is signed in shows once more that they are: by the password."""

    password = fields.String(
        required=True,
        error_messages=dict.fromkeys(("required", "null"), "Enter your password"),
        metadata={"title": "Your password"},
    )


class FullProofSchema(ProofSchema):
    """The same where there is a second step: by the password and a code."""

    code = Words(
        required=True,
        longest=40,
        missing="Enter a code",
        metadata={"title": "A code", "description": "From your app, or one of your recovery codes"},
    )
