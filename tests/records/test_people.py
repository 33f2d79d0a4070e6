"""What the database holds of a person that a thief could read."""

from sqlalchemy import text

from marketplace.adapters.sealing import CannotOpen, Keyring
from tests.worlds import SmallWorld, synthetic_nhs_number


def test_no_nhs_number_in_the_database(world: SmallWorld, keyring: Keyring) -> None:
    """The number is stored encrypted; it opens only in its own row, and is found by its keyed hash."""
    patient, other = world.patients[0], world.patients[1]
    number = synthetic_nhs_number(1)
    rows = world.session.execute(text("SELECT * FROM patients")).all()
    assert not any(number in str(value) for row in rows for value in row)
    assert keyring.unlock(f"patients.nhs_number:{patient.id}", patient.nhs_number_sealed) == number
    assert patient.nhs_number_lookup == keyring.lookup("nhs_number", number)
    try:
        keyring.unlock(f"patients.nhs_number:{other.id}", patient.nhs_number_sealed)
    except CannotOpen:
        return
    raise AssertionError("a value moved to another row must not open")
