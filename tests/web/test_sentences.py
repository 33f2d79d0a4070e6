"""Whatever is told of something wrong is a whole sentence, on a page and in the API's problem details."""

import ast
import json
from pathlib import Path

import pytest
from flask import Flask
from marshmallow import Schema, fields
from werkzeug.datastructures import MultiDict

import marketplace
from marketplace.api.problems import bad_document
from marketplace.api.reading import BadDocument
from marketplace.rules import errors
from marketplace.rules.errors import DomainError, whole_sentence
from marketplace.web.forms import WebForm
from tests.security.test_schemas import SCHEMAS

ODD = ("", "x", "-1", "999999999999", "2026-02-31", "\x07", "a" * 6_000, "2026-13-01T99:99")
ENDS = (".", "!", "?", "…", ".”", "?”")
SOURCES = sorted(Path(marketplace.__file__).parent.rglob("*.py"))
OUR_ERRORS = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, DomainError)}


def is_whole(told: str) -> bool:
    return told.endswith(ENDS) and not told.endswith("..") and told[:1] == told[:1].upper()


@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_message_of_a_form_is_a_whole_sentence(schema: type[Schema]) -> None:
    """Each field left out, and with all that nobody should type; at the field and in the summary."""
    told: set[str] = set()
    for odd in ODD:
        names = [name for name, field in schema().fields.items() if not isinstance(field, fields.Nested)]
        form = WebForm(schema(), MultiDict([*((name, odd) for name in names), ("nobody_asked", "x")]))
        assert not form.validate()
        told |= set(form.errors.values()) | {line["text"] for line in form.summary}
    assert told
    assert {text for text in told if not is_whole(text)} == set()


@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_message_of_a_problem_is_a_whole_sentence(schema: type[Schema]) -> None:
    """The same faults, as a program reads them."""
    for odd in (None, 17, [], {}, *ODD):
        messages = schema().validate(dict.fromkeys(schema().fields, odd))
        with Flask(__name__).app_context():
            faults = json.loads(bad_document(BadDocument(messages, "json")).data).get("errors", [])
        assert bool(faults) == bool(messages)
        assert [fault["detail"] for fault in faults if not is_whole(fault["detail"])] == []


def test_every_domain_error_is_a_whole_sentence() -> None:
    """As it is written where it is raised: what ends in something else than a word or a stop shows here."""
    raised = 0
    for node in (node for path in SOURCES for node in ast.walk(ast.parse(path.read_text()))):
        name = getattr(node.func, "id", getattr(node.func, "attr", "")) if isinstance(node, ast.Call) else ""
        if name in OUR_ERRORS and len(node.args) > 1 and isinstance(node.args[1], ast.Constant):
            assert is_whole(DomainError("code", node.args[1].value).message), node.args[1].value
            raised += 1
    assert raised > 100


def test_a_sentence_is_ended_once() -> None:
    """Whoever wrote a stop, a question mark or a quotation keeps it; nothing stays nothing."""
    told = {"Enter a name": "Enter a name.", "Enter a name. ": "Enter a name.", "Why?": "Why?", "": "", "“A.”": "“A.”"}
    assert {text: whole_sentence(text) for text in told} == told
