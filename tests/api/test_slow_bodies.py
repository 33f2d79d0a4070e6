"""A body that comes slowly: what it asks for is decided when it is whole, and nobody else waits for it."""

import json
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from werkzeug.test import TestResponse

from marketplace.records.offers import Offer
from tests.api.programs import AT, Program, program_of
from tests.api.test_walk import offer_at
from tests.web.site import Site, SlowBody


def send_slowly(program: Program, path: str, body: Any, meanwhile: Callable[[], None]) -> TestResponse:
    """A request whose head is here before its body."""
    content = b"" if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {program.token}", "Idempotency-Key": "a-slow-one"}
    return program.client.open(
        AT + path,
        method="POST",
        headers=headers,
        input_stream=SlowBody(content or b" ", meanwhile),
        content_length=len(content) or 1,
        content_type="application/json",
    )


def test_an_offer_counts_when_all_of_it_is_here(site: Site) -> None:
    """Its head came a millisecond before the deadline, its end forty seconds later: it is too late."""
    world = site.world.draft().agree().publish()
    near = program_of(site, "near@example.test")
    body = offer_at(near.get("/provider/sites")["rows"][0]["id"], world.bundle.id, 5_600)
    due_at = world.tender.offers_due_at
    assert due_at is not None
    world.now = due_at - timedelta(milliseconds=1)

    def time_goes_by() -> None:
        world.now = due_at + timedelta(seconds=40)

    answer = send_slowly(near, f"/provider/tenders/{world.tender.id}/offers", body, time_goes_by)
    assert answer.status_code == 409, answer.text
    assert site.fresh().session.scalar(select(func.count()).select_from(Offer)) == 0


def test_nobody_waits_for_a_slow_body(site: Site) -> None:
    """While a body is on its way, SQLite's one place for a writer is free."""
    world = site.world.draft()
    patient = program_of(site, "p1@example.test")
    path = f"/patient/invitations/{world.need(1).id}/decline"
    world.session.rollback()
    wrote = []

    def somebody_writes() -> None:
        with site.app.app_context():
            file = site.app.extensions["sqlalchemy"].engine.url.database
        other = sqlite3.connect(file, timeout=0, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        other.rollback()
        other.close()
        wrote.append(True)

    assert send_slowly(patient, path, None, somebody_writes).status_code == 200
    assert wrote
