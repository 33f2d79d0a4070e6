"""The second step at sign-in: every code is taken once, by its own account, on both databases."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.adapters.passwords import hash_password
from marketplace.adapters.sealing import CannotOpen, Keyring
from marketplace.journey import accounts, deadlines, factors, passwords, second_steps, users
from marketplace.journey.accounts import WaitsFor
from marketplace.records.audit import AuditEvent
from marketplace.records.database import writing
from marketplace.records.outbox import Message
from marketplace.records.people import User
from marketplace.records.second_steps import HalfSignIn, RecoveryCode, SecondFactor
from marketplace.rules.errors import Invalid, NotAllowed, NotFound, WrongState
from marketplace.rules.permissions import Actor, Role
from tests.races import while_open
from tests.second_steps import App, switch_on
from tests.worlds import SmallWorld

EMAIL, OTHER, PASSWORD = "broker@example.test", "clerk@example.test", "three or four words"
HASHED = hash_password(PASSWORD)
OFFICE = frozenset({Role.BROKER})


@pytest.fixture
def people(world: SmallWorld) -> SmallWorld:
    """A world in which the broker has two accounts with passwords."""
    with writing(world.session):
        for email in (EMAIL, OTHER):
            user = accounts.open_account(
                world.session,
                world.now,
                email=email,
                name="Fen",
                role=Role.BROKER,
                party_id=world.broker.id,
                password=None,
            )
            user.password_hash = HASHED
    return world


def actor_of(world: SmallWorld, email: str = EMAIL) -> Actor:
    user = world.session.scalars(select(User).where(User.email == email)).one()
    return Actor(user.id, user.role, user.party_id)


def on(world: SmallWorld, email: str = EMAIL) -> App:
    return switch_on(world.session, world.now, email, PASSWORD)


def half(world: SmallWorld, email: str = EMAIL, must_have: frozenset[Role] = frozenset()) -> accounts.SignedIn:
    """The password typed, rightly."""
    tried = accounts.try_password(world.session, email, PASSWORD)
    with writing(world.session):
        return accounts.sign_in(world.session, world.now, tried, must_have)


def give(world: SmallWorld, token: str, code: str, step: Callable[..., str] = second_steps.give_code) -> str:
    with writing(world.session):
        return step(world.session, world.now, token, code)


def proof(world: SmallWorld, password: str = PASSWORD) -> accounts.Tried:
    tried = accounts.try_password(world.session, EMAIL, password)
    world.session.rollback()
    return tried


def told(world: SmallWorld) -> list[str]:
    """What the account was told, by its own id alone."""
    rows = select(Message.template).where(Message.party_id == actor_of(world).user_id).order_by(Message.queued_at)
    return list(world.session.scalars(rows))


def events(world: SmallWorld) -> list[str]:
    rows = select(AuditEvent.event).where(AuditEvent.about_id == actor_of(world).user_id).order_by(AuditEvent.number)
    return list(world.session.scalars(rows))


def test_a_password_alone_leads_halfway(people: SmallWorld) -> None:
    """Its token is nobody's; with the code comes another one, and the first is used up."""
    app = on(people)
    signed_in = half(people)
    assert signed_in.waits_for is WaitsFor.CODE
    assert accounts.actor_of(people.session, people.now, signed_in.token) is None
    token = give(people, signed_in.token, app.code(people.now))
    assert token != signed_in.token
    assert accounts.actor_of(people.session, people.now, token) == actor_of(people)
    with pytest.raises(NotAllowed):
        give(people, signed_in.token, app.code(people.now + timedelta(seconds=30)))
    assert events(people) == ["account.second_step_on", "account.signed_in"]


def test_the_same_code_twice_is_refused(people: SmallWorld) -> None:
    """Nor is an older one taken after it; the next one is. What was refused stays on record."""
    app = on(people)
    code = app.code(people.now)
    give(people, half(people).token, code)
    for used in (code, app.code(people.now - timedelta(seconds=30))):
        with pytest.raises(Invalid, match="used before"):
            give(people, half(people).token, used)
    assert events(people)[-2:] == ["account.second_step_refused"] * 2
    people.now += timedelta(seconds=30)
    give(people, half(people).token, app.code(people.now))


def test_the_code_that_confirmed_it_signs_nobody_in(people: SmallWorld) -> None:
    app = on(people)
    with pytest.raises(Invalid):
        give(people, half(people).token, app.code(people.now - timedelta(seconds=30)))


def test_of_two_sign_ins_with_one_code_one_passes(people: SmallWorld, new_session: Callable[[], Session]) -> None:
    """At the same moment, from two browsers: the second waits for the first, and is refused."""
    app = on(people)
    first, second = half(people).token, half(people).token
    people.session.rollback()
    refused = while_open(
        new_session(),
        lambda session: second_steps.give_code(session, people.now, first, app.code(people.now)),
        new_session(),
        lambda session: second_steps.give_code(session, people.now, second, app.code(people.now)),
    )
    assert isinstance(refused, Invalid)


@pytest.mark.parametrize("kind", ["code", "recovery code"])
def test_of_eight_at_once_one_takes_it(people: SmallWorld, new_session: Callable[[], Session], kind: str) -> None:
    """Without the account's lock too: the condition stands in the statement that takes it."""
    app = on(people)
    user_id = actor_of(people).user_id
    people.session.rollback()

    def take(session: Session) -> bool:
        with writing(session):
            if kind == "recovery code":
                return factors.take_recovery_code(session, user_id, app.recovery_codes[0])
            factor = factors.standing(session, user_id)
            assert factor is not None
            return factors.take_code(session, people.now, factor, app.code(people.now))

    sessions = [new_session() for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(take, sessions)) == 1


def test_a_code_of_another_account_is_refused(people: SmallWorld) -> None:
    """Be it of the app or a recovery code; and neither is used up by the try."""
    app, others = on(people), on(people, OTHER)
    token = half(people).token
    with pytest.raises(Invalid):
        give(people, token, others.code(people.now))
    with pytest.raises(Invalid):
        give(people, token, others.recovery_codes[0], second_steps.give_recovery_code)
    give(people, half(people, OTHER).token, others.code(people.now))
    give(people, half(people, OTHER).token, others.recovery_codes[0], second_steps.give_recovery_code)
    give(people, token, app.code(people.now))


def test_a_recovery_code_works_once(people: SmallWorld) -> None:
    """However it is spaced; its owner is told, and how many are left is on record."""
    app = on(people)
    typed = app.recovery_codes[3].replace("-", " ").upper()
    give(people, half(people).token, typed, second_steps.give_recovery_code)
    with pytest.raises(Invalid):
        give(people, half(people).token, typed, second_steps.give_recovery_code)
    assert told(people) == ["second_step_on", "recovery_code_used"]
    used = people.session.scalars(select(AuditEvent).where(AuditEvent.event == "account.recovery_code_used")).one()
    assert used.facts == {"left": 9}


def test_half_a_sign_in_lasts_five_minutes(people: SmallWorld) -> None:
    """Then it leads nowhere, and the round of deadlines deletes it."""
    app = on(people)
    token = half(people).token
    people.now += timedelta(minutes=5, microseconds=-1)
    assert second_steps.half_way(people.session, people.now, token) is not None
    deadlines.run_due(people.session, people.now)
    people.now += timedelta(microseconds=1)
    assert second_steps.half_way(people.session, people.now, token) is None
    with pytest.raises(NotAllowed, match="too long"):
        give(people, token, app.code(people.now))
    assert len(people.session.scalars(select(HalfSignIn)).all()) == 1
    people.session.rollback()
    deadlines.run_due(people.session, people.now)
    assert people.session.scalars(select(HalfSignIn)).all() == []


def test_another_password_sends_back_whoever_is_halfway(people: SmallWorld) -> None:
    """Nor does a forgotten password's code lead round the second step."""
    app = on(people)
    token, actor = half(people).token, actor_of(people)
    with writing(people.session):
        code = passwords.code_for_letter(people.session, people.now, actor.user_id)
    better = "another four words"
    hashed = passwords.choosable(people.session, people.now, EMAIL, code, better)
    with writing(people.session):
        passwords.choose_password(people.session, people.now, EMAIL, code, hashed)
    with pytest.raises(NotAllowed):
        give(people, token, app.code(people.now))
    tried = accounts.try_password(people.session, EMAIL, better)
    with writing(people.session):
        assert accounts.sign_in(people.session, people.now, tried).waits_for is WaitsFor.CODE


def test_a_closed_account_has_nobody_halfway(people: SmallWorld) -> None:
    app = on(people)
    token, actor = half(people).token, actor_of(people)
    with writing(people.session):
        users.close(people.session, people.now, people.funder, actor.user_id)
    with writing(people.session):
        users.reopen(people.session, people.now, people.funder, actor.user_id)
    with pytest.raises(NotAllowed):
        give(people, token, app.code(people.now))


def test_whose_role_must_have_it_sets_it_up_first(people: SmallWorld) -> None:
    """The password leads halfway; the first good code switches it on and leads in, and the codes are shown."""
    signed_in = half(people, must_have=OFFICE)
    assert signed_in.waits_for is WaitsFor.SET_UP
    assert half(people, must_have=frozenset({Role.COMMISSIONER})).waits_for is None
    user_id = actor_of(people).user_id
    scanned = second_steps.to_scan(people.session, user_id, signed_in.token)
    assert scanned is not None
    app = App(scanned.key)
    people.session.rollback()
    for step in (second_steps.give_code, second_steps.give_recovery_code):
        with pytest.raises(Invalid):
            give(people, signed_in.token, app.code(people.now), step)
    with pytest.raises(Invalid), writing(people.session):
        second_steps.set_up_first(people.session, people.now, signed_in.token, app.wrong_code(people.now))
    with writing(people.session):
        token, codes = second_steps.set_up_first(people.session, people.now, signed_in.token, app.code(people.now))
    assert accounts.actor_of(people.session, people.now, token) == actor_of(people)
    assert len(set(codes)) == 10
    assert half(people, must_have=OFFICE).waits_for is WaitsFor.CODE


def test_a_secret_is_shown_to_the_browser_that_began(people: SmallWorld) -> None:
    """Whoever knows the password and is halfway in elsewhere sees none, and cannot confirm it."""
    mine, theirs = half(people, must_have=OFFICE), half(people, must_have=OFFICE)
    user_id = actor_of(people).user_id
    assert second_steps.to_scan(people.session, user_id, mine.token) is None
    scanned = second_steps.to_scan(people.session, user_id, theirs.token)
    assert scanned is not None
    people.session.rollback()
    code = App(scanned.key).code(people.now)
    with pytest.raises(WrongState), writing(people.session):
        second_steps.set_up_first(people.session, people.now, mine.token, code)


def test_it_counts_once_a_code_was_typed(people: SmallWorld) -> None:
    """Begun and left, the password is enough; confirmed, the browsers of before are signed out."""
    before = half(people).token
    actor = actor_of(people)
    tried = proof(people)
    with writing(people.session):
        second_steps.begin(people.session, people.now, actor, "a browser", tried, "")
    assert half(people).waits_for is None
    with pytest.raises(Invalid), writing(people.session):
        second_steps.confirm(people.session, people.now, actor, "a browser", "123")
    assert accounts.actor_of(people.session, people.now, before) is not None
    on(people)
    assert accounts.actor_of(people.session, people.now, before) is None


@pytest.mark.parametrize(
    "step",
    [
        lambda world, tried, code: second_steps.begin(world.session, world.now, actor_of(world), "t", tried, code),
        lambda world, tried, code: second_steps.switch_off(world.session, world.now, actor_of(world), tried, code),
        lambda world, tried, code: second_steps.renew_recovery_codes(
            world.session, world.now, actor_of(world), tried, code
        ),
    ],
    ids=["begin", "switch off", "renew"],
)
def test_changing_it_takes_password_and_code(people: SmallWorld, step: Callable[..., object]) -> None:
    """Neither is enough, a used one is none; with a wrong password the code is not used up."""
    app = on(people)
    code = app.code(people.now)
    wrong, right = proof(people, "guess guess guess"), proof(people)
    for tried, typed, place in (
        (wrong, code, "password"),
        (right, "", "code"),
        (right, app.wrong_code(people.now), "code"),
    ):
        with pytest.raises(Invalid) as refused, writing(people.session):
            step(people, tried, typed)
        assert refused.value.place == place
    with writing(people.session):
        step(people, right, code)


def test_another_phone(people: SmallWorld) -> None:
    """Until the new one is confirmed the old one counts; then the new one alone, with new recovery codes."""
    old = on(people)
    actor, tried = actor_of(people), proof(people)
    with writing(people.session):
        second_steps.begin(people.session, people.now, actor, "a browser", tried, old.recovery_codes[0])
    scanned = second_steps.to_scan(people.session, actor.user_id, "a browser")
    assert scanned is not None
    give(people, half(people).token, old.code(people.now))
    with writing(people.session):
        new = App(scanned.key)
        second_steps.confirm(people.session, people.now, actor, "a browser", new.code(people.now))
    people.now += timedelta(seconds=30)
    for typed, step in (
        (old.code(people.now), second_steps.give_code),
        (old.recovery_codes[1], second_steps.give_recovery_code),
    ):
        with pytest.raises(Invalid):
            give(people, half(people).token, typed, step)
    give(people, half(people).token, new.code(people.now))
    assert told(people) == ["second_step_on", "recovery_code_used", "second_step_moved"]


def test_new_recovery_codes_void_the_old(people: SmallWorld) -> None:
    app = on(people)
    tried = proof(people)
    with writing(people.session):
        actor, code = actor_of(people), app.code(people.now)
        new = second_steps.renew_recovery_codes(people.session, people.now, actor, tried, code)
    assert not set(new) & set(app.recovery_codes)
    with pytest.raises(Invalid):
        give(people, half(people).token, app.recovery_codes[0], second_steps.give_recovery_code)
    give(people, half(people).token, new[9], second_steps.give_recovery_code)


def test_switched_off_the_password_is_enough(people: SmallWorld) -> None:
    """Nothing of it is left; a role that must have it cannot."""
    app = on(people)
    tried, code = proof(people), app.code(people.now)
    with pytest.raises(WrongState), writing(people.session):
        second_steps.switch_off(people.session, people.now, actor_of(people), tried, code, OFFICE)
    with writing(people.session):
        second_steps.switch_off(people.session, people.now, actor_of(people), tried, code, {Role.COMMISSIONER})
    assert half(people).waits_for is None
    for table in (SecondFactor, RecoveryCode):
        assert people.session.scalars(select(table)).all() == []
    assert told(people) == ["second_step_on", "second_step_off"]
    assert "account.second_step_off" in events(people)


def test_a_commissioner_takes_a_lost_one_away(people: SmallWorld) -> None:
    """Its owner is signed out and told; nobody else can, and not a second time."""
    app = on(people)
    signed_in = give(people, half(people).token, app.code(people.now))
    user_id = actor_of(people).user_id
    with pytest.raises(NotAllowed), writing(people.session):
        second_steps.take_away(people.session, people.now, people.broking, user_id)
    stranger = Actor("x", Role.COMMISSIONER, "another")
    with pytest.raises(NotFound), writing(people.session):
        second_steps.take_away(people.session, people.now, stranger, user_id)
    with writing(people.session):
        second_steps.take_away(people.session, people.now, people.funder, user_id)
    assert accounts.actor_of(people.session, people.now, signed_in) is None
    assert half(people).waits_for is None
    assert half(people, must_have=OFFICE).waits_for is WaitsFor.SET_UP
    with pytest.raises(WrongState), writing(people.session):
        second_steps.take_away(people.session, people.now, people.funder, user_id)
    assert told(people) == ["second_step_on", "second_step_taken_away"]


def test_nobody_takes_away_their_own(people: SmallWorld) -> None:
    with writing(people.session):
        user = accounts.open_account(
            people.session,
            people.now,
            email="funder@example.test",
            name="Funder",
            role=Role.COMMISSIONER,
            party_id=people.funder.party_id,
            password=None,
        )
        user.password_hash = HASHED
    own = Actor(user.id, user.role, user.party_id)
    on(people, "funder@example.test")
    with pytest.raises(WrongState, match="colleague"), writing(people.session):
        second_steps.take_away(people.session, people.now, own, own.user_id)


def test_a_stolen_database_opens_nothing(people: SmallWorld, keyring: Keyring) -> None:
    """The secret opens in its own row alone; of recovery codes there is a keyed hash of this account."""
    app = on(people)
    on(people, OTHER)
    mine, theirs = people.session.scalars(
        select(SecondFactor).order_by(SecondFactor.user_id != actor_of(people).user_id)
    ).all()
    assert keyring.unlock(f"second_factors.secret:{mine.id}", mine.secret_sealed)
    for place in (f"second_factors.secret:{theirs.id}", f"second_factors.secret:{mine.user_id}"):
        with pytest.raises(CannotOpen):
            keyring.unlock(place, mine.secret_sealed)
    macs = set(people.session.scalars(select(RecoveryCode.code_mac)))
    code = app.recovery_codes[0].replace("-", "")
    assert keyring.lookup("recovery_code", f"{mine.user_id}:{code}") in macs
    assert len(macs) == 20
    assert (
        not {keyring.lookup("recovery_code", code), keyring.lookup("recovery_code", f"{theirs.user_id}:{code}")} & macs
    )


def test_no_half_outlives_its_second_step(people: SmallWorld) -> None:
    """It waited for a code when the second step went away: it becomes no half that waits to set one up."""
    app = on(people)
    waiting, others = half(people).token, half(people, OTHER, OFFICE).token
    with writing(people.session):
        second_steps.switch_off(people.session, people.now, actor_of(people), proof(people), app.code(people.now))
    assert second_steps.half_way(people.session, people.now, waiting) is None
    assert second_steps.half_way(people.session, people.now, others) is not None, "somebody else's goes on"
    on(people)
    waiting = half(people).token
    with writing(people.session):
        second_steps.take_away(people.session, people.now, people.funder, actor_of(people).user_id)
    assert second_steps.half_way(people.session, people.now, waiting) is None
