"""Money acts and leaving, in the browser without a screen: a form sent twice counts once, what cannot be says why."""

import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from marketplace.journey import statements
from marketplace.journey.funding import rules_of
from marketplace.records.audit import RecordView
from marketplace.records.budgets import Budget, ManagedAs, PlanStatus
from marketplace.records.contracts import Delivery, DeliveryStatus
from marketplace.records.database import writing
from marketplace.records.people import Patient
from marketplace.rules.budgets import FundingRules
from marketplace.rules.permissions import Scope
from tests.web.site import Site
from tests.web.test_people_pages import act, daughter_of
from tests.web.test_query_counts import counting


def test_a_commissioner_adds_money_and_takes_it_back(site: Site) -> None:
    """With an amount and a reason; the statement shows both; what is wrong is named and what was typed is kept."""
    world = site.world
    client = site.client("funder@example.test")
    at = f"/commissioner/budgets/{world.budget(1).id}"
    assert f'href="{at}/"' in client.get("/commissioner/budgets").text
    assert client.get(f"{at}/").status_code == 200
    form = client.get(f"{at}/money").text
    request_id = re.search(r'name="request_id" value="(\w+)"', form)
    assert request_id
    typed = {"act": "supplement", "amount_pence": "50", "reason": "Prices rose in spring", "request_id": request_id[1]}
    for _ in range(2):
        assert client.post(f"{at}/money", data=typed).status_code == 302
    assert site.fresh().money(1)["available"] == 75_000
    page = client.get(f"{at}/").text
    assert "Prices rose in spring" in page
    patient = site.client("p1@example.test")
    for papers in ("/patient/budget", f"/patient/budgets/{world.budget(1).id}/statement"):
        assert "Extra money paid into the budget: £50.00. Why: Prices rose in spring" in patient.get(papers).text
    assert "Prices rose in spring" in patient.get(f"/patient/budgets/{world.budget(1).id}/statement/csv").text
    refused = client.post(f"{at}/money", data={**typed, "amount_pence": "fifty"})
    assert refused.status_code == 422
    assert 'value="fifty"' in refused.text
    too_much = client.post(
        f"{at}/money", data={**typed, "act": "reclaim", "amount_pence": "5000", "request_id": "another-request"}
    )
    assert too_much.status_code == 422
    assert re.search(r'<a href="#amount_pence">\s*Only £750.00 is free. Take back no more than that.', too_much.text)
    assert 'value="5000"' in too_much.text
    assert site.client("p1@example.test").post(f"{at}/money", data=typed).status_code == 403


def test_a_review_is_noted(site: Site) -> None:
    """What was found is kept, and the next review dated; the patient reads it with the plan."""
    client = site.client("funder@example.test")
    at = f"/commissioner/budgets/{site.world.budget(1).id}"
    assert client.get(f"{at}/review").status_code == 200
    assert client.post(f"{at}/review", data={"findings": ""}).status_code == 422
    short = client.post(f"{at}/review", data={"findings": "Fine"})
    assert short.status_code == 422
    told = "Write what you found in a sentence: the patient will read it."
    assert re.search(rf'<a href="#findings">\s*{told}', short.text)
    assert re.search(rf'id="findings-error".*?{told}.*?<textarea[^>]*>Fine</textarea>', short.text, re.DOTALL)
    assert client.post(f"{at}/review", data={"findings": "Walks to the shops again"}).status_code == 302
    assert "Walks to the shops again" in client.get(f"{at}/").text
    care = site.client("p1@example.test").get("/patient/care").text
    assert "reviewed on 2 March 2026. This is what was found: Walks to the shops again" in care


def test_the_plan_of_a_budget_that_is_over_is_neither_reviewed_nor_approved(site: Site) -> None:
    """Its page says why and offers neither; a form that was open before is refused; nothing waits at home."""
    client, world = site.client("funder@example.test"), site.world
    over, draft = world.budget(1), world.budget(2)
    with writing(world.session):
        draft.plan_status, draft.plan_approved_at, draft.plan_review_due = PlanStatus.DRAFTED, None, None
    approve = f'action="/commissioner/budgets/{draft.id}/approve"'
    assert "Record a review" in client.get(f"/commissioner/budgets/{over.id}/").text
    assert approve in client.get(f"/commissioner/budgets/{draft.id}/").text
    assert approve in client.get("/commissioner/").text
    world.now = datetime(2027, 1, 2, 9, tzinfo=UTC)
    client = site.client("funder@example.test")
    page = client.get(f"/commissioner/budgets/{over.id}/").text
    assert "This budget ended on 31 December 2026" in page
    assert "Record a review" not in page
    assert "to be reviewed by" not in page
    assert "Add money" not in page
    assert "comes back to you by itself" in page
    assert f"/commissioner/budgets/{over.id}/money" not in page
    for path in (f"/commissioner/budgets/{draft.id}/", "/commissioner/"):
        assert approve not in client.get(path).text
    refused = client.post(f"/commissioner/budgets/{over.id}/review", data={"findings": "Walks to the shops again"})
    assert (refused.status_code, "there is no care plan to review" in refused.text) == (422, True)
    assert client.post(f"/commissioner/budgets/{draft.id}/approve").status_code == 409
    assert site.fresh().session.get_one(Budget, draft.id).plan_status is PlanStatus.DRAFTED


def test_a_review_changes_the_plan(site: Site) -> None:
    """What a part of the plan is now stands in the form; too much money is named at the form, and kept."""
    client, world = site.client("funder@example.test"), site.world
    at, line = f"/commissioner/budgets/{world.budget(1).id}/review", world.plan_line(1)
    assert 'value="600.00"' in client.get(at).text
    typed = {
        "findings": "Stairs are the trouble now",
        "lines-0-line_id": line.id,
        "lines-0-outcome": "Climb the stairs again",
        "lines-0-units": "8",
        "lines-0-budget_pence": "900",
    }
    refused = client.post(at, data=typed)
    assert (refused.status_code, "more than the budget" in refused.text) == (422, True)
    assert "Climb the stairs again" in refused.text
    assert 'href="#lines"' in refused.text
    assert 'id="lines"' in refused.text
    nothing = client.post(at, data={**typed, "lines-0-budget_pence": "0"})
    assert (nothing.status_code, "Enter an amount above £0" in nothing.text) == (422, True)
    none = client.post(at, data={**typed, "lines-0-units": "none"})
    assert (none.status_code, 'href="#lines-0-units"' in none.text) == (422, True)
    assert client.post(at, data={**typed, "lines-0-budget_pence": "500"}).status_code == 302
    world = site.fresh()
    assert (world.plan_line(1).units, world.plan_line(1).budget_pence) == (8, 50_000)
    world.draft()
    assert "cannot be changed now" in client.get(at).text


def test_a_patient_leaves_for_the_usual_care(site: Site) -> None:
    """The page says what it means; nothing chosen is refused; then the money is with the funder."""
    world = site.world.draft().agree(1).publish()
    budget, line = world.budget(1), world.plan_line(1)
    client, at = site.client("p1@example.test"), f"/patient/budgets/{budget.id}/leave/"
    assert at in client.get("/patient/budget").text
    assert client.post(at).status_code == 422
    assert site.client("p2@example.test").get(at).status_code == 404
    assert client.post(at, data={"plan_line_ids": line.id}).status_code == 302
    site.fresh()
    assert statements.figures_of(world.session, [budget.id]).total_pence == 0
    assert "usual care for everything" in client.get(at).text
    assert at not in client.get("/patient/budget").text


def test_what_is_settled_cannot_be_left(site: Site) -> None:
    """The page says why, in plain words, and nothing changes."""
    world = site.world.proposed().accept()
    client = site.client("p1@example.test")
    at = f"/patient/budgets/{world.budget(1).id}/leave/"
    answer = client.post(at, data={"plan_line_ids": world.plan_line(1).id})
    assert answer.status_code == 422
    assert "see your match or contract to its end" in answer.text


def test_a_commissioner_sets_its_rules(site: Site) -> None:
    """What is saved is shown again, each ground can be turned off; what is out of range is named, and not saved."""
    client = site.client("funder@example.test")

    def saved() -> FundingRules:
        return rules_of(site.fresh().session, site.world.commissioner.id)

    assert "/commissioner/rules" in client.get("/commissioner/").text
    rules = {
        "first_review_months": "6",
        "review_months": "12",
        "support_from_age": "80",
        "support_to_decile": "2",
        "support_capacity": "true",
        "support_conditions": "3",
        "support_priority": "3",
        "support_answer_days": "5",
        "support_supplement_pence": "50",
        "draft_days": "30",
    }
    assert client.get("/commissioner/rules").status_code == 200
    assert client.post("/commissioner/rules", data=rules).status_code == 302
    shown = client.get("/commissioner/rules").text
    assert 'value="80"' in shown
    assert 'value="50.00"' in shown
    wrong = client.post("/commissioner/rules", data={**rules, "review_months": "99", "support_from_age": "121"})
    assert wrong.status_code == 422
    assert re.search(r'<a href="#support_from_age">\s*Age: enter a whole number from 0 to 120.', wrong.text)
    assert 'value="121"' in wrong.text
    assert saved() == FundingRules(6, 12, 80, 2, True, 3, 3, 5, 5_000, 30)
    off = dict.fromkeys(("support_from_age", "support_to_decile", "support_conditions"), "")
    unticked = {name: value for name, value in rules.items() if name != "support_capacity"}
    assert client.post("/commissioner/rules", data={**unticked, **off}).status_code == 302
    assert saved() == FundingRules(6, 12, None, None, False, None, 3, 5, 5_000, 30)
    for field, value in (("support_to_decile", "11"), ("support_conditions", "0"), ("support_answer_days", "many")):
        wrong = client.post("/commissioner/rules", data={**rules, field: value})
        assert wrong.status_code == 422
        assert f'id="{field}-error"' in wrong.text


def test_an_organisation_is_admitted_once(site: Site) -> None:
    """A second one of the same name is refused at the field."""
    client = site.client("funder@example.test")
    assert "No organisation is admitted" in client.get("/commissioner/holders").text
    assert client.post("/commissioner/holders", data={"name": "Fen Trust"}).status_code == 302
    assert "Fen Trust" in client.get("/commissioner/holders").text
    again = client.post("/commissioner/holders", data={"name": "Fen Trust"})
    assert again.status_code == 422
    assert "admitted already" in again.text


def not_yet(page: str) -> str:
    """Where the button beside the yes leads."""
    found = re.search(r'href="([^"]*)"[^>]*>\s*Not (?:yet|now)', page)
    assert found is not None
    return found[1]


def shown_on(text: str) -> dict[str, str]:
    """What the form of a page that asks once more carries."""
    found = re.search(r'name="shown_sha256" value="([0-9a-f]{64})"', text)
    assert found
    return {"shown_sha256": found[1]}


@pytest.fixture
def paying(site: Site) -> Site:
    """Patient 1 keeps the money of the budget, and has a contract in force."""
    with writing(site.world.session):
        site.world.budget(1).managed_as = ManagedAs.DIRECT_PAYMENT
    site.world.awarded()
    return site


def test_a_patient_with_a_direct_payment_pays(paying: Site) -> None:
    """The budget's page leads to what is due, with its days; a page asks once more; then it is noted as paid, once."""
    world = paying.world
    world.deliver(1, 2)
    client, at = paying.client("p1@example.test"), f"/patient/payments/{world.contract(1).provider_id}"
    for kind in ("on", "off"):
        client.post("/patient/easy-read", data={"easy_read": kind})
        home = client.get("/patient/").text
        assert "Pay for care that you had" in home
        assert "£100.00 is due to 1 provider." in home
        assert "You do not need to do anything now" not in home
    assert "Pay for care" not in paying.client("p2@example.test").get("/patient/").text
    assert "/patient/payments/" in client.get("/patient/budget").text
    assert "/patient/payments/" not in paying.client("p2@example.test").get("/patient/budget").text
    listed = client.get("/patient/payments/").text
    assert "2 sessions of physiotherapy, on 6 April 2026" in listed
    assert f'href="{at}"' in listed
    asked = client.get(at).text
    for told in ("Have you paid £100.00 to Bulk Physio?", "2 sessions of physiotherapy, on 6 April 2026"):
        assert told in asked
    assert not_yet(asked) == "/patient/payments/"
    for _ in range(2):  # pressed twice
        assert client.post(at, data=shown_on(asked)).location == "/patient/payments/"
    assert "nothing to pay" in client.get("/patient/payments/").text
    assert "Pay for care" not in client.get("/patient/").text
    assert client.get(at).location == "/patient/payments/"
    assert paying.fresh().books_balance()


@pytest.mark.parametrize("end", ["all", "one"])
def test_a_stale_page_pays_nothing_it_did_not_show(paying: Site, end: str) -> None:
    """What was confirmed since is not paid: the page comes again with what is due now, and says that it changed."""
    world = paying.world
    world.deliver(1)
    at = "/patient/payments/" + ("all" if end == "all" else world.contract(1).provider_id)
    client = paying.client("p1@example.test")
    stale = shown_on(client.get(at).text)
    world.deliver(1)
    for typed in (stale, {}):
        refused = client.post(at, data=typed)
        assert refused.status_code == 409
        assert "What is due has changed" in refused.text
        assert "£100.00" in refused.text
    due = select(Delivery.status)
    assert set(paying.fresh().session.scalars(due)) == {DeliveryStatus.CONFIRMED}
    assert client.post(at, data=shown_on(refused.text)).status_code == 302
    assert set(paying.fresh().session.scalars(due)) == {DeliveryStatus.PAID}


def test_a_helper_without_that_authority_is_not_asked(paying: Site) -> None:
    """They see what is due, and neither a way to pay it nor the page that asks once more."""
    paying.world.deliver(1)
    client = act(paying, daughter_of(paying, 1, Scope.DELIVERIES))
    at = f"/patient/payments/{paying.world.contract(1).provider_id}"
    listed = client.get("/patient/payments/").text
    assert "1 session of physiotherapy" in listed
    assert "does not cover paying it" in listed
    assert at not in listed
    assert {client.get(at).status_code, client.post(at).status_code} == {403}


def test_a_commissioner_is_asked_before_it_pays(site: Site) -> None:
    """Every delivery with its person and day, then one yes; whose record it was reads that it was looked at."""
    world = site.world.awarded()
    world.deliver(1)
    world.deliver(2, 3)
    client = site.client("funder@example.test")
    at = f"/commissioner/providers/{world.contract(1).provider_id}/pay"
    home = client.get("/commissioner/").text
    assert f'href="{at}"' in home
    assert "a payment run</a>, which makes a file for your bank" in home
    asked = client.get(at).text
    for told in (
        "Note £200.00 to Bulk Physio as paid?",
        "Patient 01",
        "Patient 02",
        "Physiotherapy, 3 sessions",
        "£150.00",
    ):
        assert told in asked
    assert not_yet(asked) == "/commissioner/"
    assert client.post(at, data=shown_on(asked)).location == "/commissioner/"
    home = client.get("/commissioner/").text
    assert "£200.00 is noted as paid" in home
    assert "No payment to a provider is due." in home
    assert "Payment" in site.client("p2@example.test").get("/patient/seen").text
    assert site.fresh().books_balance()


def test_many_deliveries_are_summed_and_shown_by_the_page(site: Site) -> None:
    """Sums over all, deliveries page by page; one yes pays all of them, and only whose row was read was looked at."""
    site.app.config["PAGE_ROWS"] = 2
    world = site.world.awarded()
    for number in range(1, 6):
        world.deliver(number)
    client = site.client("funder@example.test")
    at = f"/commissioner/providers/{world.contract(1).provider_id}/pay"
    asked = client.get(at).text
    for told in ("Note £250.00 to Bulk Physio as paid?", "deliveries 1 to 2 of 5", f'href="{at}?page=2"'):
        assert told in asked
    sums = re.search(r"By service.*?</table>", asked, re.DOTALL)
    assert sums is not None
    assert re.findall(r"<div>(.*?)</div>", sums[0]) == ["Physiotherapy", "5", "5 sessions", "£250.00"]
    shown = re.findall(r"Patient \d\d", asked)
    assert len(set(shown)) == 2
    last = client.get(f"{at}?page=3").text
    assert "delivery 5 of 5" in last
    assert shown_on(last) == shown_on(asked)
    looked = (
        select(Patient.name).join(RecordView, RecordView.patient_id == Patient.id).where(RecordView.page == "payment")
    )
    assert set(site.fresh().session.scalars(looked)) == {*shown, *re.findall(r"Patient \d\d", last)}
    assert client.post(at, data=shown_on(asked)).location == "/commissioner/"
    assert "£250.00 is noted as paid" in client.get("/commissioner/").text
    assert site.fresh().books_balance()


def test_a_patient_with_many_deliveries_reads_their_sum(paying: Site) -> None:
    """What it is for is told from the first day to the last, where not every day is on the page."""
    paying.app.config["PAGE_ROWS"] = 1
    world = paying.world
    at, told = f"/patient/payments/{world.contract(1).provider_id}", []
    for _ in range(2):
        world.deliver(1)
        world.deliver(1)
        told.append(paying.client("p1@example.test").get(at).text)
        world.later(days=2)
    assert "2 sessions of physiotherapy, on 6 April 2026" in told[0]
    assert "4 sessions of physiotherapy, from 6 April 2026 to 8 April 2026" in told[1]
    assert "Have you paid £200.00 to Bulk Physio?" in told[1]


def test_no_page_before_a_payment_asks_once_a_delivery(site: Site) -> None:
    """Ten due deliveries take as many queries as two."""
    world = site.world.awarded()
    client = site.client("funder@example.test")
    at = f"/commissioner/providers/{world.contract(1).provider_id}/pay"
    asked = []
    for numbers in ((1, 2), range(3, 11)):
        for number in numbers:
            world.deliver(number)
        client.get(at)
        with counting(world.session.get_bind()) as sent:
            assert "as paid?" in client.get(at).text
        asked.append(len(sent))
    assert asked[0] == asked[1]


def test_a_provider_refunds_and_a_patient_ends_the_contract(site: Site) -> None:
    """Both ask for a reason, go back to the contract, and cannot be done to somebody else's."""
    world = site.world.awarded()
    contract, delivery = world.contract(1), world.deliver(1)
    name = next(name for name, row in world.providers.items() if row.id == contract.provider_id)
    provider, other = site.client(f"{name}@example.test"), site.client("near@example.test")
    at, end = f"/deliveries/{delivery.id}/refund", f"/contracts/{contract.id}/end"
    assert at in provider.get(f"/provider/contracts/{contract.id}").text
    asked = provider.get(at).text
    assert all(told in asked for told in ("Patient 01", "1 session", "£50.00"))
    assert provider.post(at, data={"reason": "no"}).status_code == 422
    assert other.post(at, data={"reason": "It was recorded twice"}).status_code == 404
    assert provider.post(at, data={"reason": "It was recorded twice"}).status_code == 302
    patient = site.client("p1@example.test")
    assert end in patient.get(f"/patient/contracts/{contract.id}").text
    assert site.client("p2@example.test").get(end).status_code == 404
    asked = patient.get(end).text
    assert all(told in asked for told in ("10 of 10 sessions", "£500.00"))
    assert "Will not be paid to you" in provider.get(end).text
    assert patient.post(end, data={"reason": "We are moving to York"}).status_code == 302
    assert site.fresh().money(1) == {"available": 70_000, "reserved": 0, "committed": 0}
    assert site.fresh().books_balance()
