"""Payments by the bank: a run, its file, the bank's answer; and the provider's claims beside it."""

import csv
import io
from collections.abc import Sequence

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from marketplace.adapters.bank_files import ANSWER_COLUMNS
from marketplace.journey import accounts, budgets, contracts, payments
from marketplace.records.budgets import ManagedAs
from marketplace.records.database import writing
from marketplace.records.payments import PaymentLine, PaymentRun
from marketplace.rules.permissions import Actor, Role
from tests.web.site import PASSWORD, Site

FUNDER, PROVIDER, TRUST = "funder@example.test", "bulk@example.test", "trust@example.test"


@pytest.fixture
def due(site: Site) -> Site:
    """Four sessions of two patients are confirmed, and not paid."""
    site.world.awarded()
    site.world.deliver(1)
    site.world.deliver(2, 3)
    return site


def prepare(site: Site, email: str = FUNDER) -> tuple[FlaskClient, str, list[PaymentLine]]:
    """A run is made in the browser: the browser, the run's address, its lines."""
    client = site.client(email)
    at = client.post("/payments/prepare").location
    run = site.fresh().session.get_one(PaymentRun, at.strip("/").split("/")[-1])
    return client, at, run.lines


def organisation(site: Site) -> Actor:
    """An organisation that keeps budgets, with an account."""
    world = site.world
    with writing(world.session):
        trust = budgets.admit_holder(world.session, world.now, world.funder, "Fen Trust")
        user = accounts.open_account(
            world.session,
            world.now,
            email=TRUST,
            name="Fen Trust",
            role=Role.HOLDER,
            party_id=trust.id,
            password=PASSWORD,
        )
    return Actor(user.id, Role.HOLDER, trust.id)


def answer(
    client: FlaskClient, at: str, rows: Sequence[Sequence[str]], head: Sequence[str] = ANSWER_COLUMNS
) -> TestResponse:
    """Upload a bank's answer."""
    out = io.StringIO()
    csv.writer(out).writerows([head, *rows])
    return client.post(at, data={"answers": (io.BytesIO(out.getvalue().encode()), "answer.csv")})


def pounds(line: PaymentLine) -> str:
    return f"{line.amount_pence / 100:.2f}"


def test_a_run_goes_to_the_bank_and_comes_back_paid(due: Site) -> None:
    """What is due becomes a file; its answer settles it once; the figures agree to the penny."""
    page = due.client(FUNDER).get("/payments/").text
    assert "Bulk Physio" in page
    assert "Prepare a payment run" in page
    client, at, (line,) = prepare(due)
    assert due.client(FUNDER).post("/payments/prepare").status_code == 409
    file = client.get(f"{at}bank.csv")
    assert file.headers["Content-Disposition"].startswith("attachment; filename=")
    assert file.headers["Cache-Control"] == "no-store"
    assert file.mimetype == "text/csv"
    assert list(csv.reader(io.StringIO(file.text)))[1][:3] == [line.id, "Bulk Physio", pounds(line)]
    assert "No answer from the bank yet" in client.get(at).text
    for settled in ("1 payment is settled", "0 payments are settled"):
        assert answer(client, at, [(line.id, pounds(line), "paid", "")]).location == at
        assert settled in client.get(at).text
    world = due.fresh()
    came = payments.reconcile(world.session, world.funder)
    assert came.agrees
    assert came.paid_pence == line.amount_pence
    assert world.books_balance()
    assert "Every penny is accounted for" in client.get("/payments/").text
    assert "The bank has answered every payment" in client.get(at).text


def test_what_the_bank_returns_is_due_again(due: Site) -> None:
    client, at, (line,) = prepare(due)
    assert answer(client, at, [(line.id, pounds(line), "returned", "No such account")]).status_code == 302
    assert "No such account" in client.get(at).text
    assert "Prepare a payment run" in client.get("/payments/").text
    other_way = answer(client, at, [(line.id, pounds(line), "paid", "")])
    assert other_way.status_code == 422
    assert "said something else" in other_way.text


def test_a_wrong_line_is_named_and_nothing_is_settled(due: Site) -> None:
    """The field and the line are named, whatever is wrong with the file; the good line before it is not settled."""
    client, at, (line,) = prepare(due)
    good = (line.id, pounds(line), "paid", "")
    wrong = {
        "line 3: this reference is not of this payment run": [good, ("nobody", "1.00", "paid", "")],
        "line 4: this reference is not of this payment run": [good, (), ("nobody", "1.00", "paid", "")],
        f"line 2: £{pounds(line)} was sent": [(line.id, "1.00", "paid", "")],
        "line 3: Result is “perhaps”. Write paid or returned.": [good, (line.id, "1.00", "perhaps", "")],
        "There is no payment in this file": [],
    }
    for told, rows in wrong.items():
        refused = answer(client, at, rows)
        assert refused.status_code == 422
        assert told in refused.text
        assert 'href="#answers"' in refused.text
    assert "he first line must be" in answer(client, at, [good], head=("A", "B")).text
    assert client.post(at).status_code == 422
    broken = client.post(at, data={"answers": (io.BytesIO(b"\xff\xfe\x00" + b'"' * 9), "a.csv")})
    assert broken.status_code == 422
    long = ",".join(ANSWER_COLUMNS) + "\n" + "x" * 200_000
    assert client.post(at, data={"answers": (io.BytesIO(long.encode()), "a.csv")}).status_code == 422
    world = due.fresh()
    assert payments.reconcile(world.session, world.funder).waiting_pence == line.amount_pence


def test_a_provider_follows_its_claims(due: Site) -> None:
    """Due, in a payment run, paid: on the page, in its sums and in the file, in which nobody is named."""
    provider = due.client(PROVIDER)
    assert "Due</strong>" in provider.get("/provider/claims").text
    client, at, (line,) = prepare(due)
    assert "nhsuk-button" in client.get(at).text.split("Download the file for the bank")[0].rsplit("<a", 1)[1]
    gathered = provider.get("/provider/claims").text
    assert gathered.count("In a payment run</strong>") == 2
    assert "owed to you, in a payment run" in gathered
    assert "with the bank" not in gathered.lower()  # whoever pays may not have sent the file yet
    answer(client, at, [(line.id, pounds(line), "paid", "")])
    assert "nhsuk-button" not in client.get(at).text.split("Download the file for the bank")[0].rsplit("<a", 1)[1]
    page = provider.get("/provider/claims").text
    assert page.count("Paid</strong>") == 2
    assert "1 session<" in page
    assert f"£{pounds(line)}" in page
    assert "Patient 01" not in page
    file = provider.get("/provider/claims?export=csv")
    assert file.headers["Content-Disposition"] == 'attachment; filename="claims.csv"'
    rows = list(csv.DictReader(io.StringIO(file.text)))
    assert sum(round(100 * float(row["Amount"])) for row in rows) == line.amount_pence
    assert {row["Reference"] for row in rows} == {line.id}
    assert "You have no claim yet" in due.client("near@example.test").get("/provider/claims").text


def test_a_run_is_its_payers_own(due: Site) -> None:
    """Another payer finds no such run; other roles no such pages."""
    organisation(due)
    _, at, (line,) = prepare(due)
    other = due.client(TRUST)
    assert "No payment run has been made yet" in other.get("/payments/").text
    assert {other.get(at).status_code, other.get(f"{at}bank.csv").status_code} == {404}
    assert answer(other, at, [(line.id, pounds(line), "paid", "")]).status_code == 404
    for email in ("p1@example.test", PROVIDER, "broker@example.test"):
        client = due.client(email)
        tried = (
            client.get("/payments/"),
            client.post("/payments/prepare"),
            client.get(at),
            client.get(f"{at}bank.csv"),
        )
        assert {page.status_code for page in tried} == {403}
    for email in ("p1@example.test", FUNDER):
        assert {due.client(email).get(f"/provider/claims{end}").status_code for end in ("", "?export=csv")} == {403}


def test_an_organisation_pays_what_it_holds(site: Site) -> None:
    """Its run holds its own patients' payments, and the commissioner's does not."""
    world, trust = site.world, organisation(site)
    with writing(world.session):
        budget = world.budget(1)
        budget.managed_as, budget.holder_id = ManagedAs.THIRD_PARTY, trust.party_id
    world.awarded()
    with writing(world.session):
        contracts.sign_contract(world.session, world.now, trust, world.contract(1).id)
    world.deliver(1)
    assert "Nothing is due" in site.client(FUNDER).get("/payments/").text
    client, at, (line,) = prepare(site, TRUST)
    assert answer(client, at, [(line.id, pounds(line), "paid", "")]).status_code == 302
    assert "Every penny is accounted for" in client.get("/payments/").text
    assert site.fresh().books_balance()
