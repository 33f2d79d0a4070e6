"""An NHS number is planted; no error, log line or URL ever shows it, and rows that were swapped do not open."""

import logging

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from werkzeug.routing import Map

from marketplace import create_app
from marketplace.adapters.sealing import CannotOpen, Keyring
from marketplace.journey import people
from marketplace.records.database import writing
from marketplace.rules.errors import Conflict, DomainError, Invalid
from tests.worlds import SmallWorld, synthetic_nhs_number


def details(number: str) -> people.PatientDetails:
    return people.PatientDetails("A person", number, 1950, "LN1", 497_000, 371_000)


def all_of(error: BaseException) -> str:
    """Everything an error would bring into a log: itself, its facts, and what it came from."""
    seen, parts = error, []
    while seen is not None:
        parts += [str(seen), repr(seen), repr(getattr(seen, "facts", ""))]
        seen = seen.__cause__ or seen.__context__
    return "\n".join(parts)


@pytest.mark.parametrize("number", ["9990000001", "4857773450", "999 000 0041 9", "not a number 9990000018"])
def test_a_wrong_number_is_in_no_error(world: SmallWorld, number: str) -> None:
    """Whatever is wrong with it, the error names the field and not the number."""
    with pytest.raises(Invalid) as caught, writing(world.session):
        people.register_patient(world.session, world.now, world.funder, details(number))
    assert caught.value.place == "nhs_number"
    assert number not in all_of(caught.value)


def test_a_number_twice_is_in_no_error(world: SmallWorld, caplog: pytest.LogCaptureFixture) -> None:
    number = synthetic_nhs_number(1)
    caplog.set_level(logging.DEBUG)
    with pytest.raises(Conflict) as caught, writing(world.session):
        people.register_patient(world.session, world.now, world.funder, details(number))
    assert number not in all_of(caught.value)
    assert number not in caplog.text


def test_a_database_error_hides_its_parameters(world: SmallWorld) -> None:
    """SQLAlchemy's own message repeats no value; PostgreSQL's DETAIL does, so no page logs such an error as text."""
    with pytest.raises((DBAPIError, DomainError)) as caught, writing(world.session):
        world.session.execute(
            text("INSERT INTO patients (id, name) VALUES (:id, :name)"), {"id": "x", "name": synthetic_nhs_number(1)}
        )
    assert "[SQL parameters hidden" in str(caught.value)


def test_no_address_carries_anything_about_a_person(tmp_path) -> None:
    """Routes take opaque ids only (and names of files and documents of ours): no NHS number, no e-mail."""
    app = create_app({"VAR_DIR": str(tmp_path)})
    routes: Map = app.url_map
    names = {name for rule in routes.iter_rules() for name in rule.arguments}
    assert all(name.endswith("_id") or name in ("filename", "kind", "name", "number") for name in names), names


def test_swapped_rows_do_not_open(world: SmallWorld, keyring: Keyring) -> None:
    """A thief with the database moves one patient's encrypted number into another's row: it does not decrypt."""
    first, second = world.patients[0], world.patients[1]
    with writing(world.session):
        first.nhs_number_sealed = second.nhs_number_sealed
    with pytest.raises(CannotOpen):
        keyring.unlock(f"patients.nhs_number:{first.id}", first.nhs_number_sealed)
