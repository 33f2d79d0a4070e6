"""What a payer brings back from its bank, and its yes to a payment."""

import csv
from typing import Any

from marshmallow import Schema, ValidationError, fields

from marketplace.adapters.bank_files import ANSWER_COLUMNS, Answer, read_answer
from marketplace.rules.errors import Invalid
from marketplace.rules.money import MAX_PENCE

from .fields import Pounds, Whole, Words


class BankAnswers(fields.Field[list[Answer]]):
    """A bank's file as text, read into its answers; what cannot be used is told by its line."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> list[Answer]:
        try:
            answers = read_answer(str(value))
        except Invalid as error:
            raise ValidationError(in_the_file(error)) from None
        except csv.Error:
            raise ValidationError("This file cannot be read as CSV. Save it again as CSV and send that.") from None
        if not answers:
            raise ValidationError("There is no payment in this file.")
        return answers


def in_the_file(error: Invalid) -> str:
    """What is wrong with a line of a file, as a sentence of its own: ``In the file, line 3: ...``."""
    said = error.message[:1].lower() + error.message[1:]
    return f"In the file, {said}" if error.place.startswith("line") else error.message


class BankAnswerSchema(Schema):
    """The bank's answer to one payment run."""

    answers = BankAnswers(
        required=True,
        error_messages=dict.fromkeys(("required", "null"), "Choose the file that your bank gave you"),
        metadata={
            "title": "The bank's answer, as a CSV file",
            "description": f"Its first line must be: {', '.join(ANSWER_COLUMNS)}. The result is paid or returned.",
        },
    )


class PaymentShownSchema(Schema):
    """The yes to a payment: it names what the page had shown, delivery by delivery."""

    shown_sha256 = fields.String(load_default="", metadata={"title": "The hash of what the page showed"})


_AMOUNT = dict.fromkeys(("required", "null"), "Enter an amount in pounds, like 48.50")


class BrokerFeeSchema(Schema):
    """What a commissioner pays a broker for each contract."""

    fee_pence = Pounds(
        required=True,
        error_messages=_AMOUNT,
        metadata={"title": "Fee for each contract", "description": "Enter 0 for no fee.", "x-prefix": "£"},
    )


class PayFeeSchema(Schema):
    """Fees of a broker that were paid."""

    amount_pence = Pounds(
        minimum_pence=1,
        required=True,
        error_messages=_AMOUNT,
        metadata={"title": "How much was paid?", "x-prefix": "£"},
    )
    owed_pence = Whole(0, MAX_PENCE, required=True, metadata={"title": "What the page showed as owed, in pence"})
    request_id = Words(
        required=True, longest=40, missing="Open the page again", metadata={"title": "This form's number"}
    )


class HandOverSchema(Schema):
    """Money of shared groups that was paid on."""

    amount_pence = Pounds(
        minimum_pence=1,
        required=True,
        error_messages=_AMOUNT,
        metadata={"title": "How much was paid?", "x-prefix": "£"},
    )
    due_pence = Whole(
        -MAX_PENCE, MAX_PENCE, required=True, metadata={"title": "What the page showed as owed by the keeper, in pence"}
    )
    request_id = Words(
        required=True, longest=40, missing="Open the page again", metadata={"title": "This form's number"}
    )
