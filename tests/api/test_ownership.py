"""Whose is what: every route says who may come, other roles are shut out, and what is somebody else's is not found."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.routing import Rule

from marketplace.api.access import Access, access_of
from marketplace.journey import accounts, people, representatives, tenders
from marketplace.journey.views import note_view, views_of
from marketplace.records.audit import AuditEvent
from marketplace.records.database import writing
from marketplace.records.offers import Offer
from marketplace.records.people import AuthorityBasis
from marketplace.rules.permissions import Actor, Role, Scope
from tests.api.conftest import close
from tests.api.programs import Program, anybody, program_of
from tests.api.test_walk import LOT, new_person, offer_at
from tests.web.site import PASSWORD, Site, build_site

OWN = {"patient": "p1", "provider": "near", "broker": "broker", "commissioner": "funder"}
FOREIGN = {"patient": "p2", "provider": "bulk", "broker": "rival", "commissioner": "elsewhere"}
BODIES: dict[str, dict[str, Any]] = {
    "rounds.award": {"reasons": "So."},
    "broker.delete_draft": {"reason": "So."},
    "broker.build_lot": LOT,
    "broker.invite": {"plan_line_ids": ["0123456789abcdef"]},
    "broker.publish": {"offers_due_on": "2026-05-16"},
    "broker.withdraw": {"reason": "So."},
    "provider.make_offer": offer_at("0123456789abcdef", "0123456789abcdef", 1),
    "provider.record_delivery": {"units": 1, "delivered_on": "2026-04-06"},
    "commissioner.allocate": {name: new_person(1)[name] for name in ("kind", "managed_as", "valid_from", "valid_to")}
    | {"amount_pence": 70_000, "lines": new_person(1)["lines"]},
    "payments.post_back": {"answers": [{"reference": "x", "amount_pence": 1, "result": "paid"}]},
    "patient.agree": {"default_answer": "accept", "terms_sha256": "0" * 64, "policy_sha256": "0" * 64},
    "patient.set_preferences": {},
    "patient.answer_match": {"answer": "accept"},
    "patient.answer_delivery": {"answer": "accept"},
}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A tender that has come to a delivery and a payment run; its people, and others of every role."""
    site = build_site(tmp_path_factory.mktemp("ownership"), patients=4)
    world = site.world.awarded()
    world.deliver(1)
    delivery = world.record(1)
    with writing(world.session):
        elsewhere = people.found_commissioner(world.session, "Another funder")
        funder = Actor("user-elsewhere", Role.COMMISSIONER, elsewhere.id)
        rival = people.approve_broker(world.session, world.now, funder, "Rival Brokers")
        for name, role, party_id in (("elsewhere", Role.COMMISSIONER, elsewhere.id), ("rival", Role.BROKER, rival.id)):
            accounts.open_account(
                world.session,
                world.now,
                email=f"{name}@example.test",
                name=name,
                role=role,
                party_id=party_id,
                password=PASSWORD,
            )
    run = program_of(site, "funder@example.test").post("/payments/runs", status=201)
    offers = select(Offer).where(Offer.provider_id == world.contract(1).provider_id)
    ids = {
        "tender_id": world.tender.id,
        "lot_id": world.bundle.id,
        "invitation_id": world.need(1).id,
        "match_id": world.match(1).id,
        "contract_id": world.contract(1).id,
        "delivery_id": delivery.id,
        "budget_id": world.budget(1).id,
        "patient_id": world.patients[0].id,
        "offer_id": world.session.scalars(offers).first().id,
        "run_id": run["id"],
    }
    serves = next(name for name, provider in world.providers.items() if provider.id == world.contract(1).provider_id)
    names = {"provider": serves} | ({"other": "near"} if serves == "bulk" else {"other": "bulk"})
    yield {"site": site, "ids": ids, **names}
    close(site)


def rules_of(site: Site) -> list[tuple[Rule, str, Access]]:
    """Every route of the API with its method and who may come."""
    api = site.app.extensions["carepool.api"]
    found = []
    for rule in api.url_map.iter_rules():
        access = access_of(api.view_functions[rule.endpoint])
        assert access is not None, f"{rule.endpoint} does not say who may come"
        found += [(rule, method, access) for method in sorted(rule.methods - {"HEAD", "OPTIONS"})]
    return found


def address(rule: Rule, ids: dict[str, str]) -> str:
    """The address of a route with these ids."""
    path = rule.rule.removeprefix("/v1")
    for name in rule.arguments:
        path = path.replace(f"<id:{name}>", ids[name])
    return path


def test_every_route_says_who_may_come(asked: dict[str, Any]) -> None:
    """Public ones change nothing; all others name their roles."""
    rules = rules_of(asked["site"])
    assert len(rules) > 60
    for rule, method, access in rules:
        if not access.roles:
            assert method == "GET", rule.rule


def test_nobody_comes_without_a_token(asked: dict[str, Any]) -> None:
    """Neither without one, nor with one that is made up, nor with a session's cookie."""
    site = asked["site"]
    client = site.client("broker@example.test")
    for rule, method, access in rules_of(site):
        if access.roles:
            path = address(rule, asked["ids"])
            assert anybody(site).send(method, path, {}).status_code == 401, path
            assert Program(site.app.test_client(), "carepool_made-up").send(method, path, {}).status_code == 401
            assert Program(client).send(method, path, {}).status_code == 401


def test_other_roles_are_shut_out(asked: dict[str, Any]) -> None:
    """403 on every route, for reading and for writing, whatever the body."""
    site = asked["site"]
    programs = {Role(role): program_of(site, f"{name}@example.test") for role, name in OWN.items()}
    for rule, method, access in rules_of(site):
        for role, program in programs.items():
            if access.roles and role not in access.roles:
                answer = program.send(method, address(rule, asked["ids"]), BODIES.get(rule.endpoint))
                assert answer.status_code == 403, f"{role} {method} {rule.rule}: {answer.status_code}"


def test_what_is_somebody_elses_is_not_found(asked: dict[str, Any]) -> None:
    """The same role with another owner: 404 on every route with an id, read or written, and nothing has happened."""
    site, looked = asked["site"], 0
    foreign = {**FOREIGN, "provider": asked["other"]}
    before = site.fresh().session.scalars(select(AuditEvent.number).order_by(AuditEvent.number.desc())).first()
    programs = {Role(role): program_of(site, f"{name}@example.test") for role, name in foreign.items()}
    for rule, method, access in rules_of(site):
        if not rule.arguments or rule.endpoint in {"public.notice", "provider.make_offer"}:
            continue
        for role in access.roles & set(programs):
            answer = programs[role].send(method, address(rule, asked["ids"]), BODIES.get(rule.endpoint))
            assert answer.status_code == 404, f"{role} {method} {rule.rule}: {answer.status_code} {answer.text}"
            looked += 1
    assert looked > 35
    events = select(AuditEvent.event).where(AuditEvent.number > before)
    assert set(site.fresh().session.scalars(events)) <= {"program.connected"}


def test_ones_own_is_found(asked: dict[str, Any]) -> None:
    """The matrix would notice: for the owner the same addresses are there."""
    site = asked["site"]
    names = {**OWN, "provider": asked["provider"]}
    programs = {Role(role): program_of(site, f"{name}@example.test") for role, name in names.items()}
    for rule, method, access in rules_of(site):
        for role in access.roles & set(programs):
            if method == "GET":
                answer = programs[role].send(method, address(rule, asked["ids"]), None)
                # this round was run without a worker: there is no job whose progress could be told
                assert answer.status_code == (404 if rule.endpoint == "rounds.progress" else 200), rule.rule
            elif rule.arguments and rule.endpoint != "provider.make_offer":
                answer = programs[role].send(method, address(rule, asked["ids"]), BODIES.get(rule.endpoint))
                assert answer.status_code in (200, 201, 202, 409, 422), f"{rule.rule}: {answer.text}"


def test_a_token_that_reads_changes_nothing(asked: dict[str, Any]) -> None:
    """Every write is refused before its body is looked at."""
    site = asked["site"]
    programs = {Role(role): program_of(site, f"{name}@example.test", may_write=False) for role, name in OWN.items()}
    for rule, method, access in rules_of(site):
        for role in access.roles & set(programs):
            if method != "GET":
                answer = programs[role].send(method, address(rule, asked["ids"]), BODIES.get(rule.endpoint))
                assert answer.get_json(force=True)["code"] == "token_only_reads", rule.rule


def test_a_representative_acts_within_their_authority(site: Site) -> None:
    """For whom they say, for what is covered, on record as theirs, and no longer than it lasts."""
    world = site.world.draft()
    with writing(world.session):
        user = accounts.open_account(
            world.session,
            world.now,
            email="daughter@example.test",
            name="Ann Daughter",
            role=Role.REPRESENTATIVE,
            party_id="daughter",
            password=PASSWORD,
        )
        authority = representatives.appoint(
            world.session,
            world.now,
            world.funder,
            patient_id=world.patients[0].id,
            representative_id=user.id,
            basis=AuthorityBasis.PATIENTS_WISH,
            scopes=[Scope.POOLS],
            valid_from=date(2026, 3, 1),
            valid_to=date(2026, 3, 31),
        )
        authority_id, need_id = authority.id, world.need(1).id
    program = program_of(site, "daughter@example.test")
    (who,) = program.get("/me")["acts_for"]
    assert who["patient"] == "Patient 01"
    program.get("/patient/budgets", status=403)
    program.headers = {"Carepool-Acting-For": "Patient 02"}
    program.get("/patient/budgets", status=400)
    program.headers = {"Carepool-Acting-For": world.patients[1].id}
    program.get("/patient/budgets", status=404)
    program.headers = {"Carepool-Acting-For": who["patient_id"]}
    assert len(program.get("/patient/budgets")["rows"]) == 1
    yes = {"default_answer": "accept"} | world.read(1)
    assert program.post(f"/patient/invitations/{need_id}/agree", yes)["status"] == "agreed"
    site.fresh()
    agreed = world.session.scalars(select(AuditEvent).order_by(AuditEvent.number.desc()).limit(1)).one()
    assert (agreed.facts["authority"], agreed.facts["on_behalf_of"]) == (authority_id, who["patient_id"])
    assert agreed.facts["token"]
    assert any(view.page == "list budgets, by program" for view in views_of(world.session, world.patient(1)))
    site.fresh().later(days=40)
    program.get("/patient/budgets", status=404)


def test_a_program_agrees_to_what_it_read(site: Site) -> None:
    """Rules that changed since are a 409, and nothing is agreed; read again, they can be agreed to."""
    world = site.world.draft()
    program, path = program_of(site, "p1@example.test"), f"/patient/invitations/{world.need(1).id}"
    shown = program.get(path)
    yes = {"default_answer": "accept"} | {name: shown[name] for name in ("terms_sha256", "policy_sha256")}
    program.post(f"{path}/agree", {"default_answer": "accept"}, status=422)
    with writing(world.session):
        harder = replace(world.policy, pence_per_km=900)
        tenders.amend_policy(world.session, world.now, world.broking, world.tender.id, harder)
    assert program.post(f"{path}/agree", yes, status=409)["code"] == "rules_changed"
    assert program.post(f"{path}/agree", yes | {"policy_sha256": None}, status=422)
    assert program.get(path)["status"] == "invited"
    again = program.get(path)
    assert (again["terms_sha256"], again["policy_sha256"] == shown["policy_sha256"]) == (shown["terms_sha256"], False)
    assert program.post(f"{path}/agree", yes | {"policy_sha256": again["policy_sha256"]})["status"] == "agreed"


def test_every_look_can_be_read(site: Site) -> None:
    """However many there were: a list that goes on says so, page by page."""
    world = site.world
    with writing(world.session):
        for _ in range(230):
            note_view(world.session, world.now, world.broking, world.patients[0].id, "care plan")
    program, page = program_of(site, "p1@example.test"), "/api/v1/patient/views?size=200"
    found = []
    while page:
        told = program.get(page.removeprefix("/api/v1"))
        found += told["rows"]
        page = told["next"]
    assert (len(found), told["total"]) == (230, 230)
    assert len(program.get("/patient/views")["rows"]) == 50


def test_looks_at_records_are_noted(site: Site) -> None:
    """A broker's program that lists clients is seen to: each patient can read that."""
    program_of(site, "broker@example.test").get("/broker/clients?size=2")
    world = site.fresh()
    noted = [view for number in (1, 2, 3) for view in views_of(world.session, world.patient(number))]
    assert [view.page for view in noted] == ["list of clients, by program"] * 2


def test_nothing_of_a_sealed_offer_is_told(site: Site) -> None:
    """Before the opening nobody but its provider reads an offer anywhere, nor that there is one: every GET is asked."""
    world = site.world.draft().agree().publish()
    bulk, canary = program_of(site, "bulk@example.test"), 7_654_321
    body = offer_at(bulk.get("/provider/sites")["rows"][0]["id"], world.bundle.id, canary)
    made = bulk.post(f"/provider/tenders/{world.tender.id}/offers", body, status=201)
    ids = dict.fromkeys(("match_id", "contract_id", "delivery_id", "run_id"), "0123456789abcdef")
    ids |= {"tender_id": world.tender.id, "lot_id": world.bundle.id, "offer_id": made["id"]}
    ids |= {"invitation_id": world.need(1).id, "budget_id": world.budget(1).id, "patient_id": world.patients[0].id}
    looked = 0
    for program in [anybody(site), *(program_of(site, f"{name}@example.test") for name in OWN.values())]:
        for rule, method, _ in rules_of(site):
            if method == "GET":
                answer = program.send("GET", address(rule, ids), None)
                looked += answer.status_code == 200
                assert not any(word in answer.text for word in (str(canary), made["receipt_sha256"])), rule.rule
                assert made["id"] not in answer.text, rule.rule
    assert looked > 40
    assert str(canary) in str(bulk.get(f"/provider/offers/{made['id']}"))
    assert anybody(site).get(f"/notices/{world.tender.id}")["offers"] is None


def test_a_day_more_is_a_day_too_many(site: Site) -> None:
    """A token holds to the end of its last day, in London."""
    program = program_of(site, "broker@example.test", days=3)
    site.world.now += timedelta(days=3)
    program.get("/me")
    site.world.now += timedelta(days=1)
    program.get("/me", status=401)
