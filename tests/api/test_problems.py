"""What the API does not take, and how it says so: strict JSON, bounds, problem details, headers."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.conftest import close
from tests.api.programs import AT, anybody, program_of
from tests.api.test_walk import LOT, offer_at
from tests.web.site import Site, build_site

KEY = {"Idempotency-Key": "a-key-for-this", "Content-Type": "application/json"}
BODIES = {
    "not a number": b'{"title": NaN}',
    "infinite": b'{"title": Infinity}',
    "deep": b"[" * 100_000,
    "deep and closed": b'{"title": ' + b"[" * 400 + b"]" * 400 + b"}",
    "beyond 64 bits": b'{"title": 9223372036854775808}',
    "thousands of digits": b'{"title": ' + b"9" * 5_000 + b"}",
    "a fraction": b'{"title": 1.5}',
    "an exponent": b'{"title": 1e3}',
    "a name twice": b'{"title": "First", "title": "Second"}',
    "half a character": b'{"title": "\\ud800"}',
    "a null character": b'{"title": "a\\u0000b"}',
    "no UTF-8": b'{"title": "\xff"}',
    "no JSON": b"title=First",
    "nothing": b"",
}


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site in which nothing happens."""
    made = build_site(tmp_path_factory.mktemp("quiet"), patients=3)
    yield made
    close(made)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_what_can_be_read_in_two_ways_is_refused(quiet: Site, body: bytes) -> None:
    """400 with problem details, and nothing is done."""
    broker = program_of(quiet, "broker@example.test")
    headers = {**KEY, "Authorization": f"Bearer {broker.token}"}
    answer = broker.client.post(f"{AT}/broker/tenders", data=body, headers=headers)
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json"), answer.text
    assert broker.get("/broker/tenders")["total"] == 0


def test_other_bodies_are_refused(quiet: Site) -> None:
    """Too large, of another type, or no object."""
    broker = program_of(quiet, "broker@example.test")
    headers = {**KEY, "Authorization": f"Bearer {broker.token}"}

    def status(body: bytes, **more: str) -> int:
        return broker.client.post(f"{AT}/broker/tenders", data=body, headers={**headers, **more}).status_code

    assert status(b'{"title": "' + b"x" * 1_000_001 + b'"}') == 413
    assert status(b'{"title": "First"}', **{"Content-Type": "text/plain"}) == 415
    assert status(b"[]") == 422
    assert status(b'{"title": "First", "broker_id": "0000000000000000"}') == 422


def test_a_wrong_value_is_pointed_at(site: Site) -> None:
    """Each with its place and what to send; what is typed on a page as text is a number here."""
    site.world.draft().agree().publish()
    near = program_of(site, "near@example.test")
    body = offer_at("0" * 16, site.world.bundle.id, 5_600)
    body["lines"][0]["tiers"] = [{"from_units": "0", "price_pence": "48.50"}]
    body |= {"max_distance_m": 12, "fee_pence": True, "no_such": 1}
    told = near.post(f"/provider/tenders/{site.world.tender.id}/offers", body, status=422)
    found = {fault["pointer"]: fault["detail"] for fault in told["errors"]}
    assert found["#/lines/0/tiers/0/price_pence"] == "Send a whole number of pence."
    assert set(found) == {
        "#/lines/0/tiers/0/from_units",
        "#/lines/0/tiers/0/price_pence",
        "#/max_distance_m",
        "#/fee_pence",
    }
    told = near.post(f"/provider/tenders/{site.world.tender.id}/offers", offer_at("0" * 16, "x", 1), status=422)
    assert (told["code"], told["errors"][0]["pointer"]) == ("unknown_lot", "#/lines/0/bundle")


def test_distances_are_metres_and_amounts_pence(site: Site) -> None:
    """What is sealed is what was sent, to the penny and the metre."""
    site.world.draft().agree().publish()
    near = program_of(site, "near@example.test")
    body = offer_at(near.get("/provider/sites")["rows"][0]["id"], site.world.bundle.id, 5_601)
    body |= {"max_distance_m": 12_000, "fee_pence": 1}
    made = near.post(f"/provider/tenders/{site.world.tender.id}/offers", body, status=201)
    terms = near.get(f"/provider/offers/{made['id']}")["terms"]
    assert (terms["max_distance_m"], terms["fee_pence"]) == (12_000, 1)
    assert terms["lines"][0]["tiers"] == [{"from_units": 0, "price_pence": 5_601}]


def test_a_rule_speaks_for_itself(site: Site) -> None:
    """The domain's code, sentence and facts."""
    broker = program_of(site, "broker@example.test")
    tender = broker.post("/broker/tenders", {"title": "First"}, status=201)
    told = broker.post(f"/broker/tenders/{tender['id']}/publish", {"offers_due_on": "2026-03-16"}, status=409)
    assert told == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "code": "nobody_agreed",
        "detail": "No patient has agreed to this pool yet, so there is nothing to publish.",
        "facts": {"agreed": 0},
    }
    told = broker.post(f"/broker/tenders/{tender['id']}/lots", LOT | {"period_to": "2026-04-01"}, status=422)
    assert told["errors"][0]["pointer"].startswith("#/period")


def test_a_wrong_nhs_number_is_in_no_answer(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """Neither in the problem nor in the log: what was sent is not said again."""
    broker = program_of(site, "broker@example.test")
    person = {"name": "New person", "birth_year": 1960, "district": "LN1", "asked_on": "2026-03-01"}
    for number in ("9990000001", "999 000 0001", 9990000001):
        told = broker.post("/broker/clients", person | {"nhs_number": number}, status=422)
        assert told["errors"][0]["pointer"] == "#/nhs_number"
        assert "0001" not in json.dumps(told) + caplog.text


def test_no_address_has_an_nhs_number(quiet: Site) -> None:
    """It is refused, whoever asks for whatever, and not said again."""
    client = program_of(quiet, "broker@example.test").client
    for path in ("/broker/clients?search={}", "/notices?area={}", "/broker/clients/{}", "/{}?{}=1"):
        for number in ("9434765919", "943+476+5919", "943%20476%205919", "943-476-5919", "943%c2%a0476%c2%a05919"):
            answer = client.get(AT + path.format(number, number))
            told = answer.get_json(force=True)
            assert (answer.status_code, told["code"]) == (400, "unreadable"), path
            assert "NHS number" in told["detail"]
            assert "5919" not in answer.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/notices?state=secret", 422),
        ("/notices?page=0", 422),
        ("/notices?page=99999999999999999999", 422),
        ("/notices?size=201", 422),
        ("/notices?stat=open", 422),
        ("/notices?area=%00", 400),
        ("/notices/0123456789abcdef", 404),
        ("/notices/99999999999999999999999", 404),
        ("/notices/%00", 404),
        ("/nothing", 404),
        ("/notices?page=100000", 200),
    ],
)
def test_filters_are_bounded(quiet: Site, path: str, status: int) -> None:
    """A filter that is misspelt is no filter: it is refused, not left out."""
    anybody(quiet).get(path, status=status)


def test_pages_and_api_keep_their_own_errors(quiet: Site) -> None:
    """HTML for people, problem details for programs; a method that is not there names those that are."""
    client = quiet.app.test_client()
    assert client.get("/nothing").mimetype == "text/html"
    assert client.get("/api/nothing").mimetype == "application/problem+json"
    assert client.get("/api").mimetype == "application/problem+json"
    answer = client.delete(f"{AT}/notices")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
    assert client.get("/api/v1/me").headers["WWW-Authenticate"].startswith("Bearer")


def test_what_goes_out_is_not_kept(quiet: Site) -> None:
    """No cookie, no cache, no page: and the host that is asked for must be ours."""
    client = quiet.app.test_client()
    answer = client.get(f"{AT}/notices")
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert client.get(f"{AT}/notices", headers={"Host": "evil.example"}).status_code == 400


def test_nobody_asks_without_end(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Requests are counted by token, and without one by address; who has too many is told when to go on."""
    limited = build_site(tmp_path_factory.mktemp("limit"), patients=3, RATELIMIT_ENABLED=True, API_LIMIT="3 per minute")
    broker, near = program_of(limited, "broker@example.test"), program_of(limited, "near@example.test")
    for _ in range(3):
        assert "Retry-After" not in broker.send("GET", "/me", None).headers
    told = broker.send("GET", "/me", None)
    assert (told.status_code, told.get_json(force=True)["code"]) == (429, "too_many_requests")
    assert 0 < int(told.headers["Retry-After"]) <= 60
    near.get("/me")
    close(limited)


def test_the_document_describes_itself(quiet: Site) -> None:
    """OpenAPI 3.1, every operation with a sentence, an id of its own, and who may come."""
    document = anybody(quiet).get("/openapi.json")
    assert document["openapi"] == "3.1.0"
    operations = [
        operation
        for item in document["paths"].values()
        for method, operation in item.items()
        if method in {"get", "post", "put"}
    ]
    assert len({operation["operationId"] for operation in operations}) == len(operations) > 60
    assert all(operation["summary"] for operation in operations)
    assert "x-prefix" not in json.dumps(document)


def test_the_readme_names_what_is_there(quiet: Site) -> None:
    """Every address of the README's examples is an address of the document."""
    readme = Path("marketplace/api/README.md").read_text()
    paths = {re.sub(r"\{\w+\}", "*", path) for path in anybody(quiet).get("/openapi.json")["paths"]}
    named = set(re.findall(r"/api(/v1/[\w/$.-]+)", readme)) - {"/v1/openapi.json"}
    assert len(named) > 8
    assert {re.sub(r"\$\w+", "*", path).rstrip("/") for path in named} <= paths


@pytest.mark.parametrize("value", [{}, 0, None])
def test_a_long_list_is_counted_before_it_is_read(quiet: Site, value: object) -> None:
    """150,000 of what does not fit are refused in one sentence, not looked at one by one."""
    near = program_of(quiet, "near@example.test")
    answer = near.send("POST", "/provider/deliveries", {"deliveries": [value] * 150_000})
    assert answer.status_code == 422
    faults = answer.get_json(force=True)["errors"]
    assert faults == [{"pointer": "#/deliveries", "detail": "Send from 1 to 1000 deliveries."}]


def test_not_every_fault_is_told(quiet: Site) -> None:
    """The first hundred are enough to see what is wrong; how many more there are is said."""
    near = program_of(quiet, "near@example.test")
    told = near.post("/provider/deliveries", {"deliveries": [{}] * 1_000}, status=422)
    assert len(told["errors"]) == 100
    assert told["facts"] == {"more": 2_900}
    assert "2,900 more" in told["detail"]
    told = near.post("/provider/deliveries", {f"no_such_{number}": 1 for number in range(20_000)}, status=422)
    assert len(told["errors"]) == 100
