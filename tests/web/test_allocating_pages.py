"""A commissioner gives budgets: to somebody new, to somebody registered, by a file that is taken all or not at all."""

import io
import re
from datetime import date
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from marketplace.adapters.spreadsheets import csv_file, read_lines
from marketplace.journey import budgets, people
from marketplace.journey.support import PersonFacts, facts_of, record_facts
from marketplace.records.audit import AuditEvent
from marketplace.records.budgets import Budget, PlanStatus
from marketplace.records.database import writing
from marketplace.records.outbox import Message
from marketplace.records.people import Patient
from tests.web.site import Site
from tests.worlds import synthetic_nhs_number

N1, N2 = synthetic_nhs_number(501), synthetic_nhs_number(502)
NEW, AT = "/commissioner/budgets/new", "/commissioner/budgets/import"
BUDGET = {
    "kind": "yearly", "managed_as": "notional", "holder_id": "", "amount_pence": "700",
    "valid_from-day": "1", "valid_from-month": "4", "valid_from-year": "2026",
    "valid_to-day": "31", "valid_to-month": "3", "valid_to-year": "2027",
    "lines-0-service_id": "physiotherapy", "lines-0-outcome": "Climb the stairs", "lines-0-units": "10",
    "lines-0-budget_pence": "600", "lines-0-max_distance_m": "20", "lines-0-requires": "step_free",
    "lines-0-max_wait_days": "30", "lines-0-min_grade": "3",
    "request_id": "0123456789abcdef",
}  # fmt: skip
ROSE = {"name": "Rose Appleby", "nhs_number": N1, "birth_year": "1951", "district": "LN1"}
LINE = [
    "Rose Appleby",
    N1,
    1951,
    "LN1",
    "3",
    "yes",
    "COPD (lung disease); stroke",
    "yearly",
    "notional",
    "",
    "01/04/2026",
    "31/03/2027",
    "700",
]


def line(*part: Any, **changed: Any) -> list[Any]:
    """A file's line about Rose, with these cells changed by their place."""
    cells = [*LINE, *part]
    for place, value in changed.items():
        cells[int(place[1:])] = value
    return cells


SECOND = {
    "_0": "Patient 02",
    "_1": synthetic_nhs_number(2),
    "_2": 1942,
    "_10": "01/01/2027",
    "_11": "31/12/2027",
}
PHYSIO = ("Physiotherapy", "Climb the stairs", 10, "600.00", "20", "")


def headings() -> list[str]:
    from marketplace.schemas.allocations import FileLineSchema
    from marketplace.web.row_files import headings

    return headings(FileLineSchema())


def send(client: FlaskClient, *rows: list[Any]) -> TestResponse:
    content = csv_file([headings(), *rows])
    return client.post(AT, data={"file": (io.BytesIO(content), "budgets.csv")})


def confirm(client: FlaskClient, report: TestResponse) -> TestResponse:
    found = re.search(r'name="rows" value="([^"]+)"', report.text)
    assert found, report.text
    return client.post(f"{AT}/confirm", data={"rows": found[1]})


def count(site: Site, kind: type[Any]) -> int:
    return site.fresh().session.scalar(select(func.count()).select_from(kind)) or 0


def test_somebody_new_is_given_a_budget_and_the_plan_is_approved(site: Site) -> None:
    """Registered, opened, told; sent twice it counts once; the draft is approved on the budget's page."""
    client, world = site.client("funder@example.test"), site.world
    before = count(site, Patient)
    assert client.get(NEW).status_code == 200
    opened = client.post(NEW, data={**ROSE, **BUDGET})
    assert opened.status_code == 302, opened.text
    assert client.post(NEW, data={**ROSE, **BUDGET}).location == opened.location
    budget = site.fresh().session.get_one(Budget, BUDGET["request_id"])
    assert (count(site, Patient), count(site, Budget)) == (before + 1, world.patient_count + 1)
    (part,) = budget.lines
    assert (part.units, part.budget_pence, part.max_distance_m, part.requires) == (10, 60_000, 20_000, ["step_free"])
    assert world.books_balance()
    told = world.session.scalars(select(Message.template).where(Message.party_id == budget.patient_id)).all()
    assert "budget_opened" in told
    page = client.get(opened.location)
    assert "Climb the stairs" in page.text
    assert "Up to 20 km (12 miles), within 30 days, Good or better, step-free access" in page.text
    approved = client.post(f"/commissioner/budgets/{budget.id}/approve", data={"next": "budget"})
    assert approved.location == opened.location
    assert site.fresh().session.get_one(Budget, budget.id).plan_status is PlanStatus.APPROVED
    assert "Approve the care plan" not in client.get(opened.location).text
    trail = str([(row.event, row.facts) for row in world.session.scalars(select(AuditEvent))])
    assert "budgets.allocated" in trail
    assert "Rose" not in trail
    assert N1 not in trail


def test_what_is_wrong_is_told_and_what_was_typed_stays(site: Site) -> None:
    """An exclusion by its reason, a plan above the budget, somebody registered, no part at all; nothing is saved."""
    client, before = site.client("funder@example.test"), count(site, Budget)
    wrong = {
        "A personal health budget cannot pay for gambling: it is never care.": {"lines-0-service_id": "gambling"},
        "more than the budget of £700.00": {"lines-0-budget_pence": "701"},
        "This person is registered already": {"nhs_number": synthetic_nhs_number(1)},
        "The budget must end after it begins": {"valid_from-year": "2028"},
        "We know no such postcode district": {"district": "ZZ9"},
        "Say which organisation holds the money": {"managed_as": "third_party"},
        "Enter a year from 1900 to 2026": {"birth_year": "2031"},
        "Fill in at least one part of the care plan": {name: "" for name in BUDGET if name.startswith("lines")},
    }
    for told, changed in wrong.items():
        refused = client.post(NEW, data={**ROSE, **BUDGET, **changed})
        assert refused.status_code == 422, told
        assert told in refused.text, told
        assert 'value="Rose Appleby"' in refused.text
    more = client.post(NEW, data={**ROSE, **BUDGET, "action": "more"})
    assert more.status_code == 200
    assert 'name="lines-1-service_id"' in more.text
    assert count(site, Budget) == before


def test_somebody_registered_gets_one_budget_for_one_thing(site: Site) -> None:
    """The list leads to the form; the same service twice in one time is refused; a stranger's patient is not found."""
    client, patient = site.client("funder@example.test"), site.world.patients[0].id
    at = f"/commissioner/people/{patient}/budgets/new"
    listed = client.get("/commissioner/people?search=Patient+01").text
    assert at in listed
    assert client.get(at).status_code == 200
    twice = client.post(at, data=BUDGET)
    assert twice.status_code == 422
    assert "has a budget for physiotherapy in this time already" in twice.text
    later = {**BUDGET, "valid_from-year": "2027", "valid_to-year": "2028"}
    assert client.post(at, data=later).status_code == 302
    assert client.get("/commissioner/people/0000000000000000/budgets/new").status_code == 404
    assert "Nobody fits" in client.get("/commissioner/people?who=none").text


def test_a_file_is_checked_and_then_taken(site: Site) -> None:
    """Two parts of one plan are one budget; a registered person is known by the number; said twice it counts once."""
    client, before = site.client("funder@example.test"), count(site, Budget)
    known = line(*PHYSIO, **SECOND, _4="", _5="", _6="")
    with writing(site.world.session):
        budgets.admit_holder(site.world.session, site.world.now, site.world.funder, "Wold Trust")
    jim = line(*PHYSIO, _0="Jim Fenn", _1=N2, _8="Third party", _9="Wold Trust")
    second = line("physiotherapy", "Walk again", 2, "100", "", "30")
    report = send(client, line(*PHYSIO), second, jim, known)
    assert report.status_code == 200, report.text
    assert "£2,100.00" in report.text
    shown = re.sub(r"<[^>]*>|\s+", " ", report.text)
    assert re.search(r"Rose Appleby .* Yearly .* You .* 1 April 2026 .* 31 March 2027", shown)
    assert re.search(r"Jim Fenn .* Wold Trust .* Physiotherapy, 10 sessions", shown)
    assert N1 not in report.text
    assert count(site, Budget) == before
    assert confirm(client, report).status_code == 302
    assert count(site, Budget) == before + 3
    assert confirm(client, report).status_code == 409
    assert count(site, Budget) == before + 3
    session = site.fresh().session
    rose = session.scalars(select(Budget).join(Budget.patient).where(Patient.name == "Rose Appleby")).one()
    assert [(row.units, row.budget_pence) for row in sorted(rose.lines, key=lambda row: -row.units)] == [
        (10, 60_000),
        (2, 10_000),
    ]
    assert rose.valid_from == date(2026, 4, 1)
    assert facts_of(rose.patient) == PersonFacts(3, lacks_capacity=True, conditions=("copd", "stroke"))
    assert "3 care plans waiting" in client.get("/commissioner/").text
    assert site.world.books_balance()


def test_a_file_changes_nothing_that_is_recorded_of_a_person(site: Site) -> None:
    """What a line says otherwise of somebody registered is told at its cell; what it says the same, or not, is not."""
    client, world = site.client("funder@example.test"), site.world
    told = "This is not what is recorded for this person"
    report = send(client, line(*PHYSIO, **SECOND))
    assert (report.status_code, report.text.count(told)) == (422, 3)
    known = PersonFacts(3, lacks_capacity=True, conditions=("copd", "stroke"))
    with writing(world.session):
        record_facts(world.session, world.now, world.funder, world.patients[1].id, known)
    report = send(client, line(*PHYSIO, **SECOND, _4="4"))
    assert (report.status_code, report.text.count(told)) == (422, 1)
    assert "(Deprivation, 1 to 10)" in report.text.split(told)[0].rsplit("<tr", 1)[1]
    for said in ({}, {"_4": "", "_5": "", "_6": ""}):
        report = send(client, line(*PHYSIO, **SECOND, **said))
        assert (report.status_code, told in report.text) == (200, False)
    assert confirm(client, report).status_code == 302
    assert facts_of(site.fresh().patients[1]) == known


def test_nobody_elses_file_is_told_what_is_recorded(site: Site) -> None:
    """Under another name, or with another commissioner, the line is refused for that alone."""
    client, world = site.client("funder@example.test"), site.world
    other_name = send(client, line(*PHYSIO, **{**SECOND, "_0": "Somebody Else"}))
    with writing(world.session):
        other = people.found_commissioner(world.session, "Another funder")
        world.patients[1].commissioner_id = other.id
    elsewhere = send(client, line(*PHYSIO, **SECOND))
    for report, why in ((other_name, "Somebody of another name"), (elsewhere, "is registered elsewhere")):
        assert why in report.text
        assert "is not what is recorded" not in report.text


def test_lines_that_differ_in_facts_alone_say_in_which(site: Site) -> None:
    """The refusal names what differs, at its own column; where more differs it names the person and the budget."""
    client = site.client("funder@example.test")
    earlier = "This NHS number stands in an earlier line with"
    for changed, told in (
        ({"_4": "5"}, f"{earlier} something else for deprivation."),
        ({"_5": "", "_6": "asthma"}, f"{earlier} something else for capacity and conditions."),
        ({"_4": "5", "_0": "Rose Other"}, f"{earlier} another name, year, district, period or budget."),
    ):
        report = send(client, line(*PHYSIO), line(*PHYSIO, **changed))
        assert (report.status_code, told in report.text) == (422, True), told


@pytest.mark.parametrize(
    ("kind", "keeper", "told"),
    [
        ("Yearly", "Commissioner", ("Yearly", "You")),
        ("one course", "patient", ("One course of care", "The patient")),
        ("episodic", "direct payment", ("One course of care", "The patient")),
    ],
)
def test_a_cell_says_it_plainly_or_by_its_term(site: Site, kind: str, keeper: str, told: tuple[str, str]) -> None:
    """Whoever fills in the file need not know what episodic, notional or a direct payment is."""
    page = send(site.client("funder@example.test"), line(*PHYSIO, _7=kind, _8=keeper)).text
    cells = [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<td.*?</td>", page, re.DOTALL)]
    for words in told:
        assert any(cell.endswith(words) for cell in cells), (words, cells)


def test_what_is_wrong_in_a_file_is_told_by_line(site: Site) -> None:
    """The schema's words and the rules', line by line; nobody is registered, no money moves."""
    client, before = site.client("funder@example.test"), count(site, Patient)
    known = synthetic_nhs_number(3)
    report = send(
        client,
        line("Gambling", "Have fun", 10, "600", "", ""),
        line(*PHYSIO, _0="Rose Other"),
        line(*PHYSIO, _1="9991234560", _4="12", _5="perhaps", _6="A cold", _7="sometimes", _8="somebody"),
        line("Juggling", "Have fun", 1, "10", "", "", _1=N2, _0="Jim Fenn"),
        line(*PHYSIO, _1=known),
        line(*PHYSIO, _1=synthetic_nhs_number(4), _0="Patient 04", _2=1944),
        line(*PHYSIO, _1=synthetic_nhs_number(505), _9="Nobody", _8="third party"),
        line("Physiotherapy", "x", 10, "701", "", "", _1=synthetic_nhs_number(506)),
        line(*PHYSIO, _1=synthetic_nhs_number(507), _8="third party"),
    )
    assert report.status_code == 422
    for told in (
        "cannot pay for gambling: it is never care. Take this line out.",
        "stands in an earlier line with another name",
        "Check the NHS number",
        "Use one of these words: yearly, one course",
        "Use one of these words: commissioner, organisation, patient",
        "Write yes, or leave the cell empty",
        "This is not in the catalogue",
        "Somebody of another name is registered under this NHS number",
        "has a budget for physiotherapy in this time already",
        "no organisation of this name that holds budgets",
        "Say which organisation holds the money",
        "more than the budget of £700.00",
        "Not shown again",
    ):
        assert told in report.text, told
    assert not any(number in report.text for number in (known, "9991234560", N1, N2))
    assert count(site, Patient) == before
    for kind in ("csv", "xlsx"):
        (template,) = read_lines(client.get(f"/commissioner/budgets/template.{kind}").data)
        assert list(template.cells) == headings()
    assert client.post(AT).status_code == 422


def test_only_a_commissioner_comes_here(site: Site) -> None:
    """A broker and a patient are shut out of every page, and a token of the file is its sender's."""
    for email in ("broker@example.test", "p1@example.test"):
        client = site.client(email)
        for path in (NEW, AT, "/commissioner/people", "/commissioner/users", "/commissioner/catalogue/"):
            assert client.get(path).status_code == 403
            assert client.post(path).status_code in {403, 405}
    funder = site.client("funder@example.test")
    assert funder.post(f"{AT}/confirm", data={"rows": "x" * 80}).status_code == 409
