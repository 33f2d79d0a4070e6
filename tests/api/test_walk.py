"""The whole walk by programs alone: from a budget to its payment, on both databases."""

from typing import Any

from sqlalchemy import select

from marketplace.journey import rounds
from marketplace.records.catalogue import Service
from marketplace.records.jobs import Job, JobStatus
from tests.api.programs import Program, anybody, program_of
from tests.web.site import Site
from tests.worlds import synthetic_nhs_number

LINE = {
    "service_id": "physiotherapy",
    "outcome": "Walk to the shops again",
    "units": 10,
    "budget_pence": 60_000,
    "max_distance_m": 20_000,
}
BUDGET = {
    "kind": "yearly",
    "managed_as": "notional",
    "valid_from": "2026-01-01",
    "valid_to": "2026-12-31",
    "amount_pence": 70_000,
    "lines": [LINE],
}
LOT = {
    "service_id": "physiotherapy",
    "area": "Lincoln",
    "districts": ["LN1"],
    "period_from": "2026-05-01",
    "period_to": "2026-10-31",
}


def offer_at(site_id: str, lot_id: str, price_pence: int) -> dict[str, Any]:
    """An offer of one price."""
    tiers = [{"from_units": 0, "price_pence": price_pence}]
    return {"site_id": site_id, "lines": [{"bundle": lot_id, "tiers": tiers}]}


def run(site: Site, tender_id: str) -> None:
    """What a worker does: tests/work and tests/faults look at workers, here one round is run in its place."""
    world = site.fresh()
    rounds.run_round(world.session, world.now, world.broking, tender_id)
    for job in world.session.scalars(select(Job)):
        job.status, job.finished_at = JobStatus.DONE, world.now
    world.session.commit()


def test_from_a_budget_to_its_payment(both: Site) -> None:
    """Six tokens and no page: allocate, pool, publish, offer, match, accept, award, sign, deliver, claim, pay."""
    world = both.world
    funder, broker = program_of(both, "funder@example.test"), program_of(both, "broker@example.test")
    near, bulk = program_of(both, "near@example.test"), program_of(both, "bulk@example.test")
    patients = {number: program_of(both, f"p{number}@example.test") for number in range(1, 13)}
    assert funder.get("/me")["role"] == "commissioner"
    assert world.session.get(Service, "physiotherapy") is not None

    given = funder.post("/commissioner/budgets", new_person(500), status=201)
    assert funder.post(f"/commissioner/budgets/{given['id']}/approve")["plan_status"] == "approved"
    page = funder.get("/commissioner/budgets?search=New+person+500")
    assert [row["figures"]["available_pence"] for row in page["rows"]] == [70_000]

    tender_id, lot_id = published(broker, patients)
    notices = anybody(both).get("/notices?area=linc")
    assert [row["id"] for row in notices["rows"]] == [tender_id]
    assert notices["rows"][0]["lots"][0]["units"] == 120

    assert [row["id"] for row in near.get("/provider/tenders")["rows"]] == [tender_id]
    receipts = {
        name: program.post(
            f"/provider/tenders/{tender_id}/offers",
            offer_at(program.get("/provider/sites")["rows"][0]["id"], lot_id, price_pence),
            status=201,
        )
        for name, program, price_pence in (("near", near, 5_600), ("bulk", bulk, 5_400))
    }
    sealed = near.get(f"/provider/offers/{receipts['near']['id']}")
    assert sealed["terms"]["lines"][0]["tiers"][0]["price_pence"] == 5_600
    bulk.get(f"/provider/offers/{receipts['near']['id']}", status=404)
    assert broker.get(f"/broker/tenders/{tender_id}")["offers"] == 0

    both.fresh().later(days=15)
    assert broker.post(f"/broker/tenders/{tender_id}/round", status=202)["status"] == "queued"
    assert broker.get(f"/broker/tenders/{tender_id}/progress")["worker_away"]
    run(both, tender_id)
    assert broker.get(f"/broker/tenders/{tender_id}/progress")["finished"]
    result = broker.get(f"/broker/tenders/{tender_id}/result")
    assert (result["matched"], result["unmatched"]) == (12, 0)
    rows = broker.get(f"/broker/tenders/{tender_id}/matches?size=5")
    assert (len(rows["rows"]), rows["total"]) == (5, 12)
    assert len(broker.get(rows["next"].removeprefix("/api/v1"))["rows"]) == 5

    for patient in patients.values():
        match_id = next(row for row in patient.get("/patient/waiting")["rows"] if row["kind"] == "match")["about_id"]
        assert patient.get(f"/patient/matches/{match_id}")["can_answer"]
        assert patient.post(f"/patient/matches/{match_id}/answer", {"answer": "accept"})["status"] == "accepted"
    reasons = {"reasons": "The published policy's result, unchanged."}
    assert broker.post(f"/broker/tenders/{tender_id}/award", reasons)["status"] == "standstill"
    both.fresh().later(days=20)
    notice = anybody(both).get(f"/notices/{tender_id}")
    assert notice["winners"]
    shown = both.client().get(f"/tenders/{tender_id}").get_data(as_text=True)
    assert all(notice["round"][name] in shown for name in ("market_root", "outcome_root", "market_sha256"))
    assert notice["round"]["id"]
    assert both.client().get(notice["ocds"]).get_json()["version"] == "1.1"

    contract_id = cared_for(both, patients[1], [near, bulk])
    paid(funder)
    budget_id = patients[1].get("/patient/budgets")["rows"][0]["id"]
    statement = patients[1].get(f"/patient/budgets/{budget_id}")
    assert statement["figures"]["spent_pence"] > 0
    assert [row["kind"] for row in statement["statement"]][-1] == "pay"
    assert patients[1].get(f"/patient/contracts/{contract_id}")["deliveries"][0]["status"] == "paid"
    assert "program" in str(patients[1].get("/patient/views"))
    assert funder.get("/commissioner/audit/head")["number"] > 50
    assert both.fresh().books_balance()


def new_person(number: int) -> dict[str, Any]:
    """Somebody new with a budget."""
    person = {"name": f"New person {number}", "nhs_number": synthetic_nhs_number(number), "birth_year": 1960}
    return {**BUDGET, **person, "district": "LN1"}


def published(broker: Program, patients: dict[int, Program]) -> tuple[str, str]:
    """A tender, from the draft to its publication."""
    tender = broker.post("/broker/tenders", {"title": "Physiotherapy around Lincoln"}, status=201)
    lot_id = broker.post(f"/broker/tenders/{tender['id']}/lots", LOT, status=201)["id"]
    lines = [row["plan_line_id"] for row in broker.get(f"/broker/lots/{lot_id}")["candidates"]]
    invitations = f"/broker/lots/{lot_id}/invitations"
    assert broker.post(invitations, {"plan_line_ids": lines}, status=201)["invited"] >= 12
    for patient in patients.values():
        (asked,) = patient.get("/patient/waiting")["rows"]
        invitation = f"/patient/invitations/{asked['about_id']}"
        assert (
            patient.put(f"{invitation}/preferences", {"max_distance_m": 30_000})["preferences"]["keep_provider"]
            is False
        )
        shown = patient.get(invitation)
        read = {name: shown[name] for name in ("terms_sha256", "policy_sha256")}
        assert patient.post(f"{invitation}/agree", {"default_answer": "accept"} | read)["status"] == "agreed"
    published = broker.post(f"/broker/tenders/{tender['id']}/publish", {"offers_due_on": "2026-03-16"})
    assert published["status"] == "open"
    return tender["id"], lot_id


def cared_for(site: Site, patient: Program, providers: list[Program]) -> str:
    """One contract, from its signatures to a confirmed delivery and the claim for it."""
    (contract,) = patient.get("/patient/contracts")["rows"]
    contract_id = contract["id"]
    (provider,) = [one for one in providers if contract_id in str(one.get("/provider/contracts"))]
    assert provider.get(f"/provider/contracts/{contract_id}")["person"] is None
    patient.post(f"/patient/contracts/{contract_id}/sign")
    assert provider.post(f"/provider/contracts/{contract_id}/sign")["status"] == "signed"
    assert provider.get(f"/provider/contracts/{contract_id}")["person"]["name"] == "Patient 01"
    recorded = provider.post(
        f"/provider/contracts/{contract_id}/deliveries", {"units": 2, "delivered_on": "2026-04-06"}, status=201
    )
    site.fresh().later(days=1)
    many = {"deliveries": [{"contract_id": contract_id, "units": 1, "delivered_on": "2026-04-07"}]}
    assert provider.post("/provider/deliveries", many, status=201) == {"recorded": 1}
    confirmed = patient.post(f"/patient/deliveries/{recorded['id']}/answer", {"answer": "accept"})
    assert confirmed["status"] == "confirmed"
    claims = provider.get("/provider/claims?state=Due")
    assert claims["sums"]["due_pence"] == claims["rows"][0]["amount_pence"] > 0
    return str(contract_id)


def paid(funder: Program) -> None:
    """A payment run, its file, and the bank's answer posted back: once, however often it is sent."""
    made = funder.post("/payments/runs", status=201)
    assert made["lines"][0]["reference"] in funder.get(f"/payments/runs/{made['id']}/bank.csv")
    answers = [
        {"reference": line["reference"], "amount_pence": line["amount_pence"], "result": "paid"}
        for line in made["lines"]
    ]
    assert funder.post(f"/payments/runs/{made['id']}/answers", {"answers": answers}) == {"settled": 1}
    assert funder.post(f"/payments/runs/{made['id']}/answers", {"answers": answers}) == {"settled": 0}
    assert funder.get("/payments/runs")["agrees"]
