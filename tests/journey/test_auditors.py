"""A round that anybody can check: sealed when verified, a patient's own rows, and the whole for named auditors."""

import io
import json
import zipfile
from hashlib import sha256

import pytest
from sqlalchemy import event, select

import matching
from marketplace.adapters.sealing import CannotOpen
from marketplace.journey import auditors, bundles, proofs, roots, rounds
from marketplace.journey.audit_trail import events_for
from marketplace.journey.keys import keyring_of
from marketplace.journey.views import views_of
from marketplace.records.audit import AuditEvent
from marketplace.records.auditors import Auditor, Handout
from marketplace.records.database import writing
from marketplace.records.rounds import Round
from marketplace.rules import proof_files
from marketplace.rules.errors import Conflict, Invalid, NotAllowed, NotFound, WrongState
from marketplace.rules.permissions import Actor, Role
from marketplace.rules.round_rows import LEAST
from tests.worlds import SmallWorld

ON_ONE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what a database has no part in."""


@pytest.fixture
def published(world: SmallWorld) -> SmallWorld:
    """A result that is public: everybody has accepted, and the standstill has begun."""
    return world.proposed().accept().confirm()


def last_round(world: SmallWorld) -> Round:
    row = rounds.latest_round(world.session, world.tender.id)
    assert row is not None
    return row


def name_one(world: SmallWorld, **more: str) -> Auditor:
    said = {"name": "Ada Byron", "organisation": "County Audit", "purpose": "Yearly check of awards", **more}
    with writing(world.session):
        return auditors.name_auditor(world.session, world.now, world.funder, world.tender.id, **said)


def hand_out(world: SmallWorld, auditor: Auditor, actor: Actor | None = None) -> bundles.Bundle:
    made = auditors.make(world.session, actor or world.funder, auditor.id)
    with writing(world.session):
        return auditors.hand_out(world.session, world.now, actor or world.funder, made)


def holds(findings: list[proof_files.Finding]) -> bool:
    return all(finding.holds for finding in findings)


def test_a_round_from_its_roots_to_the_auditor(published: SmallWorld) -> None:
    """The roots are sealed and audited; each patient's file leads to them; the auditor's bundle grows them anew."""
    world, row = published, last_round(published)
    assert rounds.recheck(world.session, row) == []
    event = world.session.scalars(select(AuditEvent).where(AuditEvent.event == "round.verified")).one()
    roots = {row.market_root, row.outcome_root}
    assert {event.facts["market_root"], event.facts["outcome_root"]} == roots
    assert len(roots) == 2

    for number in (1, 12):
        file = proofs.own_proof(world.session, world.patient(number), world.need(number).id)
        assert holds(proof_files.check_proof(json.loads(json.dumps(file)), roots))
        [went_in], [came_out] = file["market"]["rows"], file["outcome"]["rows"]
        assert went_in["row"]["need"]["budget_pence"] == world.need(number).budget_pence
        assert came_out["row"]["assignment"]["charge_pence"] == world.match(number).charge_pence
        others = [world.need(other).id for other in range(1, 13) if other != number]
        assert not any(other in json.dumps(file) for other in others)
        assert file["market"]["size"] == LEAST  # twelve people, and nobody can count them

    auditor = name_one(world)
    handed = hand_out(world, auditor)
    parts = read(handed.content)
    documents = {name: json.loads(parts[f"{name}.json"]) for name in ("market", "outcome", "roots", "salts")}
    assert holds(proof_files.check_bundle(**documents, published=roots))
    assert matching.verify(documents["market"], documents["outcome"]) == []
    people = [*world.patients, *world.providers.values()]
    assert not any(person.name.encode() in handed.content for person in people)
    assert not any(patient.id.encode() in handed.content for patient in world.patients)
    assert world.books_balance()


def read(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def sha(*parts: bytes) -> bytes:
    return sha256(b"".join(parts)).digest()


def hashed(salt: str, row: object) -> bytes:
    text = json.dumps([salt, row], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha(b"\x00", text.encode())


@ON_ONE
def test_both_files_can_be_checked_by_hand(published: SmallWorld) -> None:
    """What the files themselves say how to do, done here without a line of the product's code."""
    world, row = published, last_round(published)
    file = json.loads(json.dumps(proofs.own_proof(world.session, world.patient(5), world.need(5).id)))
    for side, root in (("market", row.market_root), ("outcome", row.outcome_root)):
        [shown] = file[side]["rows"]
        own, place = hashed(shown["salt"], shown["row"]), shown["place"]
        for step in map(bytes.fromhex, shown["path"]):
            own = sha(b"\x01", own, step) if place % 2 == 0 else sha(b"\x01", step, own)
            place //= 2
        assert own.hex() == root

    parts = {name: json.loads(part) for name, part in read(bundle(world)).items() if name.endswith(".json")}
    market, salts = parts["market.json"], parts["salts.json"]["market"]
    rows = {"policy policy": {"policy": market["policy"]}}
    rows["document document"] = {"document": parts["roots.json"]["market_sha256"]}
    for kind in ("bundle", "need", "provider", "offer"):
        rows |= {f"{kind} {found['id']}": {kind: found} for found in market[f"{kind}s"]}
    rows |= {name: {"empty": name.removeprefix("empty ")} for name in salts if name.startswith("empty ")}
    assert set(rows) == set(salts)
    level = [hashed(salts[name], rows[name]) for name in sorted(rows, key=salts.__getitem__)]
    while len(level) > 1:
        level = [sha(b"\x01", left, right) for left, right in zip(level[::2], level[1::2], strict=True)]
    assert level[0].hex() == row.market_root == parts["roots.json"]["market_root"]


def bundle(world: SmallWorld) -> bytes:
    return bundles.open_bundle(world.session, world.tender.id).content


def test_handing_out_is_recorded_each_time(published: SmallWorld) -> None:
    """The same bytes twice, two acts: with the bundle's hash in the trail, and a line in every patient's own list."""
    world, auditor = published, name_one(published)
    first, second = hand_out(world, auditor), hand_out(world, auditor)
    assert first == second
    rows = world.session.scalars(select(Handout)).all()
    assert [(row.people, row.sha256) for row in rows] == [(12, sha256(first.content).hexdigest())] * 2
    seen = world.session.scalars(events_for(world.funder).where(AuditEvent.about_id == auditor.id)).all()
    assert [event.event for event in seen] == ["auditor.named", *["auditor.bundle_handed_out"] * 2]
    assert seen[-1].facts["bundle_sha256"] == rows[0].sha256
    assert not any("Byron" in str(event.facts) for event in seen)
    for number in (1, 12):
        views = views_of(world.session, world.patient(number))
        assert [view.page for view in views if view.page == auditors.SEEN_AS] == [auditors.SEEN_AS] * 2


@ON_ONE
def test_only_the_brokers_commissioner_names_and_hands_out(published: SmallWorld) -> None:
    """To another commissioner the tender does not exist; no other role may at all; nothing is left behind."""
    world = published
    auditor = name_one(world)
    stranger = Actor("user-else", Role.COMMISSIONER, "somebody-else")
    for actor, refusal in (
        (stranger, NotFound),
        (world.broking, NotAllowed),
        (world.patient(1), NotAllowed),
        (world.provider("near"), NotAllowed),
    ):
        with pytest.raises(refusal):
            hand_out(world, auditor, actor)
        with pytest.raises(refusal), writing(world.session):
            auditors.name_auditor(
                world.session, world.now, actor, world.tender.id, name="A", organisation="B", purpose="C"
            )
    for place in ("name", "organisation", "purpose"):
        for words in (" ", "x" * 1001):
            with pytest.raises(Invalid) as caught:
                name_one(world, **{place: words})
            assert caught.value.place == place
    assert len(world.session.scalars(select(Auditor)).all()) == 1
    assert world.session.scalars(select(Handout)).all() == []


@ON_ONE
def test_nothing_is_given_out_before_the_result_is_public(world: SmallWorld) -> None:
    """While patients still answer, neither a file nor a bundle; a rerun takes both back until it is confirmed."""
    world.draft()
    with pytest.raises(NotFound):
        name_one(world)
    world.agree().publish().three_offers().later(days=15).run_round()
    auditor = name_one(world)
    for taken in (
        lambda: proofs.own_proof(world.session, world.patient(1), world.need(1).id),
        lambda: bundles.open_bundle(world.session, world.tender.id),
        lambda: hand_out(world, auditor),
    ):
        with pytest.raises(WrongState, match="no published result"):
            taken()
    assert proofs.published_round_id(world.session, world.tender) is None
    world.accept().confirm()
    assert proofs.published_round_id(world.session, world.tender) == last_round(world).id


@ON_ONE
def test_a_bundle_of_a_round_that_is_published_no_more_is_not_handed_out(published: SmallWorld) -> None:
    """Made before a decision to match again, taken after its result: refused, and nothing is recorded."""
    world, auditor, row = published, name_one(published), last_round(published)
    made = auditors.make(world.session, world.funder, auditor.id)
    with writing(world.session):
        copied = {column.name: getattr(row, column.name) for column in Round.__table__.columns}
        world.session.add(Round(**{**copied, "id": "another", "number": row.number + 1}))
    with pytest.raises(Conflict, match="Another result"), writing(world.session):
        auditors.hand_out(world.session, world.now, world.funder, made)
    assert world.session.scalars(select(Handout)).all() == []


@ON_ONE
def test_a_rounds_trees_are_grown_once(published: SmallWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve people ask for their rows: the documents are loaded, and the trees grown, for the first of them alone."""
    world, asked = published, list[str]()
    mine = {number: (world.patient(number), world.need(number).id) for number in range(1, 13)}
    event.listen(world.session.get_bind(), "before_cursor_execute", lambda *given: asked.append(given[2]))
    monkeypatch.setattr(roots, "_kept", {})
    for actor, need_id in mine.values():
        world.session.rollback()
        assert holds(proof_files.check_proof(proofs.own_proof(world.session, actor, need_id)))
    assert sum("rounds.market " in statement for statement in asked) == 1
    for most, kept in ((1 << 19, ["another", last_round(world).id]), (200, [last_round(world).id])):
        monkeypatch.setattr(roots, "MOST_ROWS", most)
        trees = roots.trees_of(world.session, last_round(world))
        monkeypatch.setattr(roots, "_kept", {("another", None, None): trees})
        proofs.own_proof(world.session, *mine[1])
        assert [key[0] for key in roots._kept] == kept, "the one that was asked for longest ago goes first"


@ON_ONE
def test_rows_are_their_own_patients_to_take(published: SmallWorld) -> None:
    """Another patient does not find them; the broker, who may see the need, takes no file of it."""
    need = published.need(1).id
    for actor, refusal in ((published.patient(2), NotFound), (published.broking, NotAllowed)):
        with pytest.raises(refusal):
            proofs.own_proof(published.session, actor, need)


@ON_ONE
def test_somebody_without_a_match_can_check_that_too(world: SmallWorld) -> None:
    """Nobody could pay: the tender ends, its result stays public, and the line without a match proves itself."""
    world.draft().agree().publish()
    world.offer("near", (0, 6_100))
    world.later(days=15).run_round()
    row = last_round(world)
    file = proofs.own_proof(world.session, world.patient(3), world.need(3).id)
    [came_out] = file["outcome"]["rows"]
    assert came_out["row"]["unmatched"]["reason"] == "unaffordable"
    assert holds(proof_files.check_proof(file, {row.market_root, row.outcome_root}))


@ON_ONE
def test_who_was_not_in_the_last_round_has_no_rows_of_it(world: SmallWorld) -> None:
    """One declines and wants nobody else: the others are matched anew, with other roots, and only theirs are in."""
    world.proposed(fee=0).accept(*range(2, 13))
    before = last_round(world).market_root
    world.decline(1, look_again=False).rematch().confirm()
    row = last_round(world)
    assert rounds.recheck(world.session, row) == []
    assert row.market_root != before
    with pytest.raises(NotFound, match="not in the last matching"):
        proofs.own_proof(world.session, world.patient(1), world.need(1).id)
    file = proofs.own_proof(world.session, world.patient(2), world.need(2).id)
    assert holds(proof_files.check_proof(file, {row.market_root, row.outcome_root}))


TAMPERED = {
    "a document": lambda row: setattr(row, "market", {**row.market, "needs": row.market["needs"][1:]}),
    "a root": lambda row: setattr(row, "outcome_root", "00" * 32),
    "a hash": lambda row: setattr(row, "market_sha256", "00" * 32),
    "the secret": lambda row: setattr(row, "salts_sealed", b"x" * 80),
    "no secret": lambda row: setattr(row, "salts_sealed", None),
}


def test_recheck_finds_what_was_changed(published: SmallWorld) -> None:
    """Each stored part of a round, changed behind the house's back, is told; put back, all is well again."""
    world, row = published, last_round(published)
    for what, change in TAMPERED.items():
        change(row)
        assert rounds.recheck(world.session, row) != [], what
        world.session.rollback()
    assert rounds.recheck(world.session, row) == []


@ON_ONE
def test_the_secret_is_nowhere_in_the_clear(published: SmallWorld) -> None:
    """Moved to another round it does not open; no audit event, file or bundle has it."""
    world, row = published, last_round(published)
    keyring = keyring_of(world.session)
    secret = keyring.unlock(f"rounds.salts:{row.id}", row.salts_sealed or b"")
    with pytest.raises(CannotOpen):
        keyring.unlock("rounds.salts:another", row.salts_sealed or b"")
    told = [str(event.facts) for event in world.session.scalars(select(AuditEvent))]
    file = json.dumps(proofs.own_proof(world.session, world.patient(1), world.need(1).id))
    whole = bundle(world).decode("latin-1")
    assert not any(secret in text for text in (*told, file, whole))


def test_who_is_struck_off_is_handed_nothing_more(published: SmallWorld) -> None:
    """Once, with a reason, by the same commissioner; what was handed out before stays recorded, and so does the act."""
    world, auditor = published, name_one(published)
    hand_out(world, auditor)
    made = auditors.make(world.session, world.funder, auditor.id)

    def strike(reason: str = "Her contract has ended.", actor: Actor | None = None) -> Auditor:
        with writing(world.session):
            return auditors.strike_off(world.session, world.now, actor or world.funder, auditor.id, reason)

    with pytest.raises(Invalid, match="Write why"):
        strike(" ")
    with pytest.raises(NotAllowed):
        strike(actor=world.broking)
    with pytest.raises(NotFound):
        strike(actor=Actor("user-2", Role.COMMISSIONER, "another-funder"))
    struck = strike()
    assert (struck.struck_by, struck.struck_at, struck.struck_reason) == (
        world.funder.user_id,
        world.now,
        "Her contract has ended.",
    )
    for again in (strike, lambda: hand_out(world, auditor)):
        with pytest.raises(WrongState, match="struck off"):
            again()
    with pytest.raises(WrongState, match="struck off"), writing(world.session):
        auditors.hand_out(world.session, world.now, world.funder, made)  # made before, and not handed out yet
    assert world.session.scalars(select(Handout.auditor_id)).all() == [auditor.id]
    [event] = world.session.scalars(events_for(world.funder).where(AuditEvent.event == "auditor.struck_off"))
    assert (event.about_id, dict(event.facts)) == (auditor.id, {"tender": world.tender.id})
    assert name_one(world).struck_at is None
