"""Whoever steals the database finds no NHS number in it and opens no sealed offer, however rows are moved (row 26)."""

import base64
import io
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from marketplace.adapters.sealing import CannotOpen, Keyring, Sealed
from marketplace.journey import tenders
from marketplace.journey.keys import lend
from marketplace.records import Base
from marketplace.records.database import configure_engine, writing
from marketplace.records.offers import Offer
from tests.ground import lay_sqlite
from tests.web.site import MONDAY
from tests.worlds import SmallWorld, synthetic_nhs_number

SECRET_PENCE = 8_765_431


def forms_of(secret: str) -> dict[str, bytes]:
    """How a run of digits may lie in a file: as text, in other alphabets, packed two digits a byte, turned round."""
    plain, packed = secret.encode(), bytes.fromhex(secret)
    swapped = bytes(byte >> 4 | (byte & 15) << 4 for byte in packed)
    found = {
        "plain": plain,
        "backwards": plain[::-1],
        "spaced": f"{secret[:3]} {secret[3:6]} {secret[6:]}".encode(),
        "wide": secret.encode("utf-16-le"),
        "hex": plain.hex().encode(),
        "packed": packed,
        "packed, nibbles swapped": swapped,
        "packed, backwards": packed[::-1],
        "packed, in hex": packed.hex().encode(),
        "swapped, in hex": swapped.hex().encode(),
        "swapped, backwards": swapped[::-1],
        "whole number": int(secret).to_bytes(8),
        "whole number, little end first": int(secret).to_bytes(8, "little"),
    }
    for shift in range(3):  # base64 looks different by where in a group of three bytes it begins
        whole = base64.b64encode(b"\0" * shift + plain).decode().rstrip("=")
        found[f"base64 from {shift}"] = whole[4 if shift else 0 : -2].encode()
    return found


def dump_of(engine: Engine) -> bytes:
    """The whole database: SQLite's file with what has not been written back yet, PostgreSQL's COPY of every table."""
    if engine.dialect.name == "sqlite":
        path = Path(str(engine.url.database))
        return b"".join(part.read_bytes() for part in (path, Path(f"{path}-wal")) if part.exists())
    out = io.BytesIO()
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        names = connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        for name in sorted(names):
            with driver.cursor().copy(f'COPY "{name}" TO STDOUT') as rows:
                for block in rows:
                    out.write(block)
    return out.getvalue()


def test_the_dump_holds_no_number_and_no_sealed_price(world: SmallWorld, engine: Engine) -> None:
    """Of twelve patients in an open tender, and of a sealed offer: in none of the forms digits can be written in."""
    world.draft().agree().publish()
    world.offer("bulk", (0, SECRET_PENCE))
    world.session.rollback()
    dump = dump_of(engine)
    assert b"Patient 01" in dump
    assert world.patients[0].nhs_number_lookup.encode() in dump
    for number in range(1, world.patient_count + 1):
        for name, form in forms_of(synthetic_nhs_number(number)).items():
            assert form not in dump, (number, name)
    price = str(SECRET_PENCE)
    for name, form in {"plain": price.encode(), "hex": price.encode().hex().encode()}.items():
        assert form not in dump, name
    world.later(days=15)
    assert price.encode() in dump_of(engine)  # after the opening it is there to be found: the scan can see


def test_the_scan_sees_what_is_planted(engine: Engine) -> None:
    """A column with the number in each form is found: else the test above could not fail."""
    number = synthetic_nhs_number(1)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE planted (told text)"))
        for told in (number, number[::-1], base64.b64encode(number.encode()).decode(), number.encode().hex()):
            connection.execute(text("INSERT INTO planted VALUES (:told)"), {"told": told})
    dump, forms = dump_of(engine), forms_of(number)
    assert all(forms[name] in dump for name in ("plain", "backwards", "base64 from 0", "hex"))


@pytest.fixture(scope="module")
def sealed_offers(tmp_path_factory: pytest.TempPathFactory, keyring: Keyring) -> Iterator[list[Offer]]:
    """Two tenders, on each the sealed offers of three providers, of one of them in two versions."""
    engine = configure_engine(create_engine(lay_sqlite(tmp_path_factory.mktemp("sealed") / "offers.sqlite")))
    with Session(engine, info=lend(keyring)) as session:
        world = SmallWorld(session, MONDAY, patient_count=2).found()
        found: list[Offer] = []
        for _ in range(2):
            world.draft().agree().publish().three_offers(0)
            world.offer("near", (0, 5_000))
            found += world.tender.offers
            with writing(session):  # its people are free for the next one; its offers stay as they are
                tenders.withdraw_tender(session, world.now, world.broking, world.tender.id, "Once more.")
            world.later(minutes=1)
        yield found
    engine.dispose()


def test_a_sealed_offer_opens_in_its_own_row_alone(sealed_offers: list[Offer], keyring: Keyring) -> None:
    """Content and keys moved together to another offer, tender or provider: no way in, for provider nor opening."""
    assert len(sealed_offers) == 8
    for row, into in itertools.product(sealed_offers, sealed_offers):
        sealed = Sealed(row.content_sealed, row.key_for_provider, row.key_for_opening)
        ways = (
            lambda sealed=sealed, into=into: keyring.read_own_offer(
                sealed, provider_id=into.provider_id, offer_id=into.id
            ),
            lambda sealed=sealed, into=into: keyring.open_offer(sealed, tender_id=into.tender_id, offer_id=into.id),
        )
        for way in ways:
            if row.id == into.id:
                assert way().startswith(b"{")
                continue
            with pytest.raises(CannotOpen):
                way()


@pytest.mark.parametrize("part", ["content_sealed", "key_for_provider", "key_for_opening"])
def test_no_part_of_it_can_be_exchanged(sealed_offers: list[Offer], keyring: Keyring, part: str) -> None:
    """Another offer's content or key beside one's own, nor the provider's key in the place of the opening's."""
    for row, other in itertools.permutations(sealed_offers, 2):
        parts = {
            "content_sealed": row.content_sealed,
            "key_for_provider": row.key_for_provider,
            "key_for_opening": row.key_for_opening,
        }
        parts[part] = getattr(other, part)
        mixed = Sealed(parts["content_sealed"], parts["key_for_provider"], parts["key_for_opening"])
        if part != "key_for_opening":
            with pytest.raises(CannotOpen):
                keyring.read_own_offer(mixed, provider_id=row.provider_id, offer_id=row.id)
        if part != "key_for_provider":
            with pytest.raises(CannotOpen):
                keyring.open_offer(mixed, tender_id=row.tender_id, offer_id=row.id)
    for row in sealed_offers:
        crossed = Sealed(row.content_sealed, row.key_for_opening, row.key_for_provider)
        with pytest.raises(CannotOpen):
            keyring.read_own_offer(crossed, provider_id=row.provider_id, offer_id=row.id)
        with pytest.raises(CannotOpen):
            keyring.open_offer(crossed, tender_id=row.tender_id, offer_id=row.id)


def test_a_locked_value_opens_in_its_own_column_alone(world: SmallWorld, keyring: Keyring) -> None:
    """A number moved to another person, another column or another table, or another column's value moved to it."""
    world.draft().agree().publish()
    patient, other = world.patients[0], world.patients[1]
    number, nonce = patient.nhs_number_sealed, world.tender.nonce_sealed
    assert nonce is not None
    own = f"patients.nhs_number:{patient.id}"
    assert keyring.unlock(own, number) == synthetic_nhs_number(1)
    assert len(keyring.unlock(f"tenders.nonce:{world.tender.id}", nonce)) == 64
    for place in (
        f"patients.nhs_number:{other.id}",
        f"patients.name:{patient.id}",
        f"users.nhs_number:{patient.id}",
        f"tenders.nonce:{world.tender.id}",
        f"waiting.clients:{patient.id}",
    ):
        with pytest.raises(CannotOpen):
            keyring.unlock(place, number)
    world.three_offers().later(days=15).run_round()
    (row,) = world.tender.rounds
    assert row.salts_sealed is not None
    for place, value in ((own, nonce), (own, row.salts_sealed), (f"tenders.nonce:{world.tender.id}", row.salts_sealed)):
        with pytest.raises(CannotOpen):
            keyring.unlock(place, value)
    assert {patient.nhs_number_lookup} != {keyring.lookup("email", synthetic_nhs_number(1))}


def test_only_what_is_known_to_be_locked_is_binary() -> None:
    """A new binary column joins the tests above, or is argued here."""
    binary = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if column.type.python_type is bytes
    }
    assert binary == {
        "patients.nhs_number_sealed",
        "tenders.nonce_sealed",
        "rounds.salts_sealed",
        "kept_answers.answer_sealed",
        "second_factors.secret_sealed",
        "offers.content_sealed",
        "offers.key_for_provider",
        "offers.key_for_opening",
    }
