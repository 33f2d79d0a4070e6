"""What a program sends again is done once, whoever else sends it at the same time, and gets the same bytes."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from marketplace.records.budgets import Budget
from marketplace.records.ledger import Transfer, TransferKind
from marketplace.records.programs import KeptAnswer
from marketplace.records.tenders import Tender
from tests.api.conftest import close
from tests.api.programs import Program, program_of
from tests.api.test_walk import new_person
from tests.web.site import Site, build_site

REPEATS = 50


def test_fifty_at_once_have_one_effect(both: Site) -> None:
    """One budget, one allocation of money, fifty equal answers, on both databases."""
    token, body = program_of(both, "funder@example.test").token, new_person(700)
    before = counts(both)

    def send(_: int) -> tuple[int, str]:
        answer = Program(both.app.test_client(), token).send("POST", "/commissioner/budgets", body, key="the-same-key")
        return answer.status_code, answer.get_json()["id"]

    with ThreadPoolExecutor(max_workers=16) as threads:
        answers = list(threads.map(send, range(REPEATS)))
    assert {status for status, _ in answers} == {201}
    assert len({budget_id for _, budget_id in answers}) == 1
    assert counts(both) == tuple(count + 1 for count in before)
    assert both.fresh().books_balance()


def counts(site: Site) -> tuple[int, ...]:
    """Budgets, allocations of money, answers that are kept."""
    session = site.fresh().session
    queries = (
        select(func.count()).select_from(Budget),
        select(func.count()).where(Transfer.kind == TransferKind.ALLOCATE),
        select(func.count()).select_from(KeptAnswer),
    )
    return tuple(session.scalar(query) or 0 for query in queries)


def test_a_key_belongs_to_one_request(site: Site) -> None:
    """Under a key that was used, another body or another address is refused; another account's key is its own."""
    broker, funder = program_of(site, "broker@example.test"), program_of(site, "funder@example.test")
    broker.post("/broker/tenders", {"title": "First"}, status=201, key="key-of-mine")
    told = broker.post("/broker/tenders", {"title": "Second"}, status=409, key="key-of-mine")
    assert told["code"] == "key_used"
    broker.post("/broker/clients", status=422, body={}, key="key-of-mine")
    funder.post("/commissioner/budgets", new_person(701), status=201, key="key-of-mine")


def test_a_refusal_keeps_nothing(site: Site) -> None:
    """What was refused may be tried again under the same key, once it is possible."""
    world, broker = site.world, program_of(site, "broker@example.test")
    world.draft()
    publish = (f"/broker/tenders/{world.tender.id}/publish", {"offers_due_on": "2026-03-16"})
    assert broker.post(*publish, status=409, key="once-agreed")["code"] == "nobody_agreed"
    site.fresh().agree()
    assert broker.post(*publish, key="once-agreed")["status"] == "open"
    site.fresh().later(days=2)
    again = broker.send("POST", *publish, key="once-agreed")
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")


def test_a_write_needs_a_key(site: Site) -> None:
    """Without one, or with one that is none, nothing is done."""
    broker = program_of(site, "broker@example.test")
    headers = {"Authorization": f"Bearer {broker.token}"}
    for key in ({}, {"Idempotency-Key": "short"}, {"Idempotency-Key": "with a blank in it"}):
        answer = broker.client.post("/api/v1/broker/tenders", json={"title": "First"}, headers=headers | key)
        assert answer.status_code == 400
    assert site.fresh().session.scalar(select(func.count()).select_from(Tender)) == 0


def test_answers_are_kept_encrypted(site: Site) -> None:
    """Neither the request nor its answer can be read in the database."""
    program_of(site, "funder@example.test").post("/commissioner/budgets", new_person(702), status=201)
    kept = site.fresh().session.scalars(select(KeptAnswer)).one()
    assert kept.status == 201
    assert b"patient_id" not in kept.answer_sealed


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory):
    """A broker's program at a site of its own."""
    site = build_site(Path(tmp_path_factory.mktemp("once")), patients=3)
    yield program_of(site, "broker@example.test")
    close(site)


TITLES = st.sampled_from(["First", "Second", "Third"])
SENT = st.lists(st.tuples(st.sampled_from("abc"), TITLES), min_size=1, max_size=12)
_runs = iter(range(10**6))


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(sent=SENT)
def test_any_sequence_of_repeats(broker: Program, sent: list[tuple[str, str]]) -> None:
    """New key: done; same key and body: the first answer; same key and other body: refused. Nothing else is done."""
    run, first = next(_runs), {}
    before = broker.get("/broker/tenders")["total"]
    for name, title in sent:
        answer = broker.send("POST", "/broker/tenders", {"title": title}, key=f"run-{run:06d}-{name}")
        if name not in first:
            first[name] = (title, answer.data)
            assert answer.status_code == 201
        elif first[name][0] == title:
            assert (answer.status_code, answer.data) == (201, first[name][1])
        else:
            assert answer.status_code == 409
    assert broker.get("/broker/tenders")["total"] == before + len(first)
