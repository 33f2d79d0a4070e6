"""Signing in."""

from marshmallow import Schema, fields

from .fields import Words


class SignInSchema(Schema):
    """An e-mail address and a password; wrong or missing, the answer is the same."""

    email = Words(required=True, longest=254, missing="Enter your e-mail address", metadata={"title": "E-mail address"})
    password = fields.String(
        required=True,
        error_messages={"required": "Enter your password", "null": "Enter your password"},
        metadata={"title": "Password"},
    )
