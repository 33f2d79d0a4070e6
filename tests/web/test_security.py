"""The door: who may come, what must come with a form, what every answer carries, and what a kept cookie opens."""

import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from marketplace import SettingsError, create_app
from marketplace.web.access import access_of
from marketplace.web.security import HEADERS
from tests.web.site import KEYS, PASSWORD, Site, SlowBody, build_site

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def test_every_route_says_who_may_come(site: Site) -> None:
    """A view without a declaration is shut; this test makes sure that there is none."""
    silent = [
        str(rule) for rule in site.app.url_map.iter_rules() if access_of(site.app.view_functions[rule.endpoint]) is None
    ]
    assert silent == []


def test_a_page_of_another_role_is_shut(site: Site) -> None:
    """Each role is tried on each page that is not its own: reading and sending alike."""
    paths = {
        "patient": "/patient/",
        "broker": "/broker/tenders/new",
        "provider": "/provider/offers",
        "commissioner": "/commissioner/budgets",
    }
    emails = {"patient": "p1", "broker": "broker", "provider": "near", "commissioner": "funder"}
    for role, name in emails.items():
        client = site.client(f"{name}@example.test")
        for owner, path in paths.items():
            assert client.get(path).status_code == (200 if owner == role else 403), (role, path)
        assert client.post("/broker/tenders/new", data={"title": "x"}).status_code == (302 if role == "broker" else 403)


def test_whoever_is_not_signed_in_is_asked_to(site: Site) -> None:
    answer = site.client().get("/broker/tenders?status=open")
    assert answer.location == "/sign-in?next=/broker/tenders?status%3Dopen"
    assert site.client().post("/broker/tenders/new").location == "/sign-in"


def test_what_belongs_to_somebody_else_is_not_found(site: Site) -> None:
    """By its id, read or written, another person's thing answers exactly as one that does not exist."""
    world = site.world.proposed()
    match, need, tender = world.match(1).id, world.need(1).id, world.tender.id
    offer = next(row for row in world.tender.offers if row.provider_id == world.providers["bulk"].id).id
    tried = {
        "p2@example.test": [f"/patient/matches/{match}", f"/patient/invitations/{need}"],
        "near@example.test": [f"/provider/offers/{offer}"],
    }
    for email, paths in tried.items():
        client = site.client(email)
        for path in paths:
            for answer in (client.get(path), client.post(path, data={"answer": "accept", "default_answer": "accept"})):
                assert answer.status_code in {404, 405}, path
        unknown = client.get(paths[0].rsplit("/", 1)[0] + "/0000000000000000")
        assert without_token(unknown) == without_token(client.get(paths[0]))
    posted = ("not-now", "leave")
    assert {
        site.client("p2@example.test").post(f"/patient/invitations/{need}/{act}").status_code for act in posted
    } == {404}
    assert site.client("near@example.test").post(f"/provider/offers/{offer}/withdraw").status_code == 404
    world.broker.id  # noqa: B018 - the broker's own tender is found, a stranger's is not
    assert site.client("broker@example.test").get(f"/broker/tenders/{tender}").status_code == 200
    assert site.client("broker@example.test").get("/broker/tenders/0000000000000000").status_code == 404


def without_token(answer: TestResponse) -> str:
    """A page without the token of its forms, which is another each second."""
    return TOKEN.sub("", answer.get_data(as_text=True))


def test_sealed_offers_are_on_no_page_before_the_opening(site: Site) -> None:
    """A price that nobody else could have typed appears to its provider only; afterwards names stay hidden."""
    world = site.world.draft().agree().publish()
    world.offer("bulk", (0, 123_457))
    tender = world.tender.id
    offer = site.fresh().tender.offers[0].id
    everywhere = [f"/tenders/{tender}", "/tenders", "/"]
    seen = {
        "broker@example.test": [*everywhere, "/broker/", "/broker/tenders", f"/broker/tenders/{tender}"],
        "near@example.test": [*everywhere, "/provider/", f"/provider/tenders/{tender}", "/provider/offers"],
        "funder@example.test": [*everywhere, "/commissioner/"],
        "p1@example.test": [*everywhere, "/patient/"],
    }
    for email, paths in seen.items():
        client = site.client(email)
        for path in paths:
            text = client.get(path).get_data(as_text=True)
            assert "1,234.57" not in text, (email, path)
            assert "Bulk Physio" not in text, (email, path)
    own = site.client("bulk@example.test").get(f"/provider/offers/{offer}").get_data(as_text=True)
    assert "1,234.57" in own
    world.later(days=15)
    assert "Bulk" not in site.client("broker@example.test").get(f"/broker/tenders/{tender}").get_data(as_text=True)


def test_every_answer_carries_the_policy(site: Site) -> None:
    for path in ("/", "/sign-in", "/no-such-page", "/static/carepool.css"):
        with site.client().get(path) as answer:
            for name, value in HEADERS.items():
                assert answer.headers[name] == value, (path, name)
    assert site.client().get("/").headers["Cache-Control"] == "no-store"


def test_no_page_has_an_inline_style_or_script() -> None:
    """The policy would stop them; nobody should write one."""
    folder = Path(__file__).parents[2] / "marketplace" / "web" / "templates"
    for template in folder.rglob("*.html"):
        text = template.read_text()
        assert not re.search(r"\sstyle=|\son\w+=|hx-on|<script(?![^>]*src=)|\bjs:", text), template


def test_a_cookie_kept_after_signing_out_opens_nothing(site: Site) -> None:
    client = site.client("broker@example.test")
    cookie = client.get_cookie("carepool")
    assert cookie is not None
    assert client.get("/broker/").status_code == 200
    client.post("/sign-out")
    client.set_cookie("carepool", cookie.value)
    assert client.get("/broker/").status_code == 302


def test_a_sign_in_idles_out_and_is_kept_alive_by_use(site: Site) -> None:
    client = site.client("broker@example.test")
    for _ in range(3):
        site.world.now += timedelta(minutes=20)
        assert client.get("/broker/").status_code == 200
    site.world.now += timedelta(minutes=31)
    assert client.get("/broker/").status_code == 302


def test_signing_in_starts_a_new_session_and_goes_nowhere_else(site: Site) -> None:
    client = site.client()
    with client.session_transaction() as cookie:
        cookie["sign_in"] = cookie["planted"] = "chosen by somebody else"
    typed = {"email": "BROKER@example.test ", "password": PASSWORD}
    for target, goes_to in (
        ("https://elsewhere.example/", "/home"),
        ("//elsewhere.example/", "/home"),
        ("/\\elsewhere.example", "/home"),
        ("/broker/clients", "/broker/clients"),
    ):
        answer = client.post("/sign-in", data={**typed, "next": target})
        assert (answer.status_code, answer.location) == (302, goes_to)
    with client.session_transaction() as cookie:
        assert "planted" not in cookie
        assert cookie["sign_in"] != "chosen by somebody else"


@pytest.fixture
def strict(tmp_path: Path) -> Site:
    """A site with all its checks on, as it runs."""
    return build_site(tmp_path, RATELIMIT_ENABLED=True, PROPAGATE_EXCEPTIONS=False, SIGN_IN_LIMIT=[[3, 60]])


def test_a_form_without_its_token_is_refused(strict: Site) -> None:
    client = strict.client("broker@example.test")
    answer = client.post("/broker/tenders/new", data={"title": "x"})
    assert answer.status_code == 400
    assert "Please send that again" in answer.get_data(as_text=True)
    token = TOKEN.search(client.get("/broker/tenders/new").get_data(as_text=True))
    assert token is not None
    sent = {"title": "Knees", "csrf_token": token[1]}
    assert (
        client.post("/broker/tenders/new", data=sent, headers={"Origin": "https://elsewhere.example"}).status_code
        == 403
    )
    assert client.post("/broker/tenders/new", data=sent, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.post("/broker/tenders/new", data=sent, headers={"Origin": "http://localhost"}).status_code == 302


def test_guessing_passwords_is_slowed_down(strict: Site) -> None:
    client = strict.client()
    token = TOKEN.search(client.get("/sign-in").get_data(as_text=True))
    assert token is not None
    sent = {"email": "broker@example.test", "password": "guess", "csrf_token": token[1]}
    assert [client.post("/sign-in", data=sent).status_code for _ in range(4)] == [422, 422, 422, 429]


def test_all_processes_count_together(tmp_path: Path, database_url: str) -> None:
    """Two applications on one database are two processes of one site: what was tried at one counts at the other.

    It counts by account from wherever, by place for whichever account, and page by page; with a right password too.
    """
    limits = {"SIGN_IN_LIMIT": [[6, 60]], "SIGN_IN_ACCOUNT_LIMIT": [[4, 900]]}
    told = {"RATELIMIT_ENABLED": True, "WTF_CSRF_ENABLED": False, "DATABASE_URL": database_url, **limits}
    site = build_site(tmp_path, patients=3, **told)
    other = create_app({"VAR_DIR": str(tmp_path), "CLOCK": lambda: site.world.now, "TESTING": True, **KEYS, **told})

    def tries(app: Flask, name: str, place: str, password: str = "guess") -> int:  # noqa: S107 - it is wrong
        typed = {"email": f"{name}@example.test", "password": password}
        sent = app.test_client().post("/sign-in", data=typed, environ_base={"REMOTE_ADDR": place})
        if sent.status_code == 429:
            assert "There were too many tries in a short time." in sent.text
            assert "Wait 15 minutes" in sent.text
        return sent.status_code

    both = (site.app, other)
    assert [tries(both[n % 2], "p1", f"192.0.2.{n}") for n in range(5)] == [422, 422, 422, 422, 429]
    assert tries(site.app, "P1", "192.0.2.9", PASSWORD) == 429
    house = [f"2001:db8::{n}" for n in range(7)]
    assert [tries(both[n % 2], f"x{n}", house[n]) for n in range(7)] == [422] * 6 + [429]
    assert tries(other, "p2", house[0], PASSWORD) == 429
    assert tries(other, "p2", "2001:db8:0:1::1", PASSWORD) == 302
    site.world.now += timedelta(minutes=15)
    assert tries(other, "p1", "192.0.2.9", PASSWORD) == 302
    client = site.client("p1@example.test")
    wrong = {"old_password": "guess guess", "password": "battery horse correct"}
    assert [client.post("/account", data=wrong).status_code for _ in range(5)] == [422] * 4 + [429]
    assert client.get("/account").status_code == 200
    for app in both:
        with app.app_context():
            app.extensions["sqlalchemy"].engine.dispose()


def test_limits_that_are_none_are_told_at_the_start(tmp_path: Path) -> None:
    """The former way to write them down, or a slip, is not taken for no limit."""
    with pytest.raises(SettingsError, match="CAREPOOL_SIGN_IN_LIMIT"):
        create_app({"VAR_DIR": str(tmp_path), "SIGN_IN_LIMIT": "20 per minute"})


def test_guessing_codes_is_slowed_down(strict: Site) -> None:
    """A one-time code is as precious as a password."""
    client = strict.client()
    token = TOKEN.search(client.get("/first-password").get_data(as_text=True))
    assert token is not None
    sent = {"email": "broker@example.test", "code": "0000", "password": "guess guess guess", "csrf_token": token[1]}
    assert [client.post("/first-password", data=sent).status_code for _ in range(4)] == [422, 422, 422, 429]


def test_another_host_name_is_refused(strict: Site) -> None:
    answer = strict.client().get("/", headers={"Host": "elsewhere.example"})
    assert answer.status_code == 400


def test_what_is_too_big_is_refused(strict: Site) -> None:
    answer = strict.client().post("/sign-in", data={"email": "x" * 2_100_000})
    assert answer.status_code == 413
    assert "too big" in answer.get_data(as_text=True)


def test_our_own_fault_is_told_kindly_and_logged_without_its_text(
    strict: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What a database driver writes into an error can be about a person."""
    number = "9990000018"
    detail = f"Key (nhs_number)=({number}) already exists"

    def fails() -> str:
        raise RuntimeError(detail)

    monkeypatch.setitem(strict.app.view_functions, "public.how_it_works", fails)
    fails.access = strict.app.view_functions["public.start"].access  # type: ignore[attr-defined]
    answer = strict.client().get("/how-it-works")
    assert answer.status_code == 500
    assert "went wrong" in answer.get_data(as_text=True)
    assert "RuntimeError at GET /how-it-works" in caplog.text
    assert number not in caplog.text + answer.get_data(as_text=True)
    assert "already exists" not in caplog.text + answer.get_data(
        as_text=True
    )  # where a number is hidden, words are not


def test_the_wrong_method_is_a_page_too(site: Site) -> None:
    assert site.client().get("/sign-out").status_code == 405


def test_a_step_at_the_wrong_time_is_told_in_its_own_words(site: Site) -> None:
    """Somebody else was faster: 409, and the rule's sentence."""
    world = site.world.proposed().accept(1)
    answer = site.client("p1@example.test").post(f"/patient/matches/{world.match(1).id}", data={"answer": "accept"})
    assert answer.status_code == 409
    assert "has been answered" in answer.get_data(as_text=True)


def test_a_patient_reads_who_saw_their_record(site: Site) -> None:
    """The broker's look is noted, one's own is not."""
    client = site.client("p1@example.test")
    assert "Nobody else" in client.get("/patient/seen").get_data(as_text=True)
    site.client("broker@example.test").get("/broker/clients")
    text = client.get("/patient/seen").get_data(as_text=True)
    assert "Fen Brokers" in text
    assert "A list with your name" in text


def test_a_form_counts_when_all_of_it_is_here(site: Site) -> None:
    """A page's clock is read once the form is: a form that ends after the deadline is too late."""
    world = site.world.draft().agree().publish()
    path, bundle = f"/provider/tenders/{world.tender.id}/offer", world.bundle.id
    due_at = world.tender.offers_due_at
    assert due_at is not None
    form = {"site_id": world.providers["near"].sites[0].id, "lines-0-bundle": bundle, "action": "seal"}
    content = urlencode(form | {"lines-0-tiers-0-price_pence": "56"}).encode()
    world.now = due_at - timedelta(milliseconds=1)
    client = site.client("near@example.test")

    def time_goes_by() -> None:
        world.now = due_at + timedelta(seconds=40)

    answer = client.post(
        path,
        input_stream=SlowBody(content, time_goes_by),
        content_length=len(content),
        content_type="application/x-www-form-urlencoded",
    )
    assert (answer.status_code, site.fresh().tender.offers) == (409, [])
