"""A schema as a form: flat names in, a document out, and every message at its field."""

from datetime import UTC, date, datetime

import pytest
from marshmallow import Schema, fields, validate
from werkzeug.datastructures import MultiDict

from marketplace.web.filters import unbroken
from marketplace.web.forms import WebForm


class TierSchema(Schema):
    from_units = fields.Integer(required=True, strict=False, metadata={"title": "From how many sessions"})
    price = fields.String(required=True, metadata={"title": "Price per session"})


class LineSchema(Schema):
    lot = fields.String(required=True)
    tiers = fields.List(fields.Nested(TierSchema), required=True)


class OfferSchema(Schema):
    title = fields.String(required=True, metadata={"title": "Name"})
    districts = fields.List(fields.String(validate=validate.Length(max=4)))
    kind = fields.String(validate=validate.OneOf(["home", "clinic"], labels=["At home", "In a clinic"]))
    starts = fields.Date(metadata={"title": "First day"})
    due_at = fields.AwareDateTime(metadata={"title": "Deadline"})
    lines = fields.List(fields.Nested(LineSchema))


def typed(**values: str | list[str]) -> WebForm:
    form: MultiDict[str, str] = MultiDict()
    for name, value in values.items():
        form.setlist(name.replace("__", "-"), value if isinstance(value, list) else [value])
    return WebForm(OfferSchema(), form)


def test_blanks_are_absent_and_lists_are_whole() -> None:
    form = typed(title="  Knees  ", districts=["LN1", "", "LN2"], kind="", csrf_token="x")  # noqa: S106 - no password
    assert form.validate()
    assert form.data == {"title": "Knees", "districts": ["LN1", "LN2"]}


def test_day_month_and_year_make_a_date() -> None:
    form = typed(title="Knees", starts__day="1", starts__month="12", starts__year="2026")
    assert form.validate()
    assert form.data["starts"] == date(2026, 12, 1)


def test_a_moment_is_london_time() -> None:
    """Five in the afternoon in July is four o'clock UTC."""
    form = typed(title="Knees", due_at__day="1", due_at__month="7", due_at__year="2026", due_at__time="17:00")
    assert form.validate()
    assert form.data["due_at"] == datetime(2026, 7, 1, 16, tzinfo=UTC)


@pytest.mark.parametrize("day", ["31", "x", ""])
def test_an_impossible_date_is_named_and_kept(day: str) -> None:
    form = typed(title="Knees", starts__day=day, starts__month="2", starts__year="2026")
    assert not form.validate()
    assert form.errors == {"starts": "First day must be a real date, like 21 11 2026."}
    assert form.summary == [{"text": unbroken(form.errors["starts"]), "href": "#starts-day"}]
    assert form.field("starts")["parts"]["month"] == "2"


@pytest.mark.parametrize(
    ("title", "message", "told"),
    [
        (
            "Months from one review to the next",
            "Enter a whole number from 1 to 24",
            "Months from one review to the next: enter a whole number from 1 to 24.",
        ),
        ("From", "Enter the first day", "From: enter the first day."),
        ("What is this for?", "Write a sentence of this", "Write a sentence of this."),
        ("Reason", "Write the reason", "Write the reason."),
        ("How it is", "Write something", "Write something."),
    ],
)
def test_the_summary_names_the_field_unless_the_message_does(title: str, message: str, told: str) -> None:
    """Words that stand in every message (from, enter, this) name no field."""

    class OneFieldSchema(Schema):
        only = fields.String(required=True, error_messages={"required": message}, metadata={"title": title})

    form = WebForm(OneFieldSchema(), MultiDict())
    assert not form.validate()
    assert form.summary == [{"text": told, "href": "#only"}]


@pytest.mark.parametrize("title", ["Which day is that?", "Which day is that from? (if you wrote something)"])
def test_a_question_is_asked_again_only_where_two_fields_are_told_the_same(title: str) -> None:
    """Otherwise the message stands by itself: it links to its field."""

    class TwoFieldsSchema(Schema):
        one = fields.String(required=True, error_messages={"required": "Enter it"}, metadata={"title": title})
        two = fields.String(required=True, error_messages={"required": "Enter it"}, metadata={"title": "Other"})

    alone = WebForm(TwoFieldsSchema(), MultiDict({"two": "x"}))
    assert not alone.validate()
    assert [error["text"] for error in alone.summary] == ["Enter it."]
    both = WebForm(TwoFieldsSchema(), MultiDict())
    assert not both.validate()
    assert [error["text"] for error in both.summary] == [f"{title} Enter it.", "Other: enter it."]
    both.errors = {"one": "Use 200 characters or fewer."}
    assert [error["text"] for error in both.summary] == [f"{title} Use 200 characters or fewer."]


def test_a_day_in_a_message_is_never_parted() -> None:
    """In the summary as beside the field."""
    form = WebForm(Schema(), MultiDict())
    form.refuse("form", "Enter a day from 6 April 2026")
    assert form.summary == [{"text": "Enter a day from 6\xa0April\xa02026."}]
    assert form.error("form") == {"text": "Enter a day from 6\xa0April\xa02026."}


def test_rows_left_blank_are_skipped_and_messages_find_the_row_that_was_typed() -> None:
    form = typed(
        title="Knees",
        lines__0__lot="",
        lines__0__tiers__0__price="",
        lines__2__lot="b1",
        lines__2__tiers__0__from_units="0",
        lines__2__tiers__0__price="48.50",
        lines__2__tiers__1__from_units="many",
        lines__2__tiers__1__price="47",
    )
    assert not form.validate()
    assert form.errors == {"lines-2-tiers-1-from_units": "From how many sessions must be a whole number."}
    assert form.value("lines-2-tiers-1-from_units") == "many"
    assert form.field("lines-2-tiers-1-price")["label"] == "Price per session"
    assert form.rows("lines") == ["lines-0", "lines-1", "lines-2"]


def test_a_missing_value_is_asked_for_by_its_title() -> None:
    form = typed()
    assert not form.validate()
    assert form.errors == {"title": "Enter name."}


def test_an_unknown_name_is_refused() -> None:
    """Nothing can be slipped in beside the form's own fields."""
    form = typed(title="Knees", broker_id="somebody-else")
    assert not form.validate()
    assert form.errors == {"broker_id": "This form has no field called broker_id."}


def test_a_form_can_start_from_a_document() -> None:
    initial = {
        "title": "Knees",
        "starts": date(2026, 12, 1),
        "lines": [{"lot": "b1", "tiers": [{"from_units": 0, "price": "48.50"}]}],
    }
    form = WebForm(OfferSchema(), initial=initial)
    assert form.value("starts-month") == "12"
    assert form.value("lines-0-tiers-0-price") == "48.50"
    again = WebForm(OfferSchema(), form.typed)
    assert again.validate()
    assert again.data == initial


def test_choices_come_with_their_words() -> None:
    assert typed(title="Knees").field("kind")["choices"] == [("home", "At home"), ("clinic", "In a clinic")]
