"""How a broker is reached: what looks like a number or an address, and what a telephone dials."""

import pytest

from marketplace.rules.contacts import Contact, check_contact, dialled
from marketplace.rules.errors import Invalid


@pytest.mark.parametrize("telephone", ["01632 960 001", "+44 (0)1632 960001", "01632-960001", "+353 1 496 0000"])
def test_a_number_as_people_write_it(telephone: str) -> None:
    """Spaces, hyphens, brackets and a country's code are all fine."""
    check_contact(Contact(telephone=telephone))


@pytest.mark.parametrize(
    "telephone",
    [
        "960001",
        "ask at the desk",
        "01632 960 001 or 002 or 003 or 004",
        "0" * 16,
        "01632 960 001 x",
        "++44 1632 960 001",
    ],
)
def test_what_cannot_be_dialled(telephone: str) -> None:
    """Too short without its area code, too long, or words."""
    with pytest.raises(Invalid) as refused:
        check_contact(Contact(telephone=telephone))
    assert refused.value.place == "telephone"


@pytest.mark.parametrize("email", ["ask", "ask@fen", "a b@fen.example.org", "ask@@fen.example.org", "@fen.example.org"])
def test_what_is_no_address(email: str) -> None:
    """A telephone number beside it does not make it one."""
    with pytest.raises(Invalid) as refused:
        check_contact(Contact("01632 960 001", email))
    assert refused.value.place == "email"


def test_one_of_both_is_there() -> None:
    """Hours alone reach nobody; an address alone does."""
    with pytest.raises(Invalid) as refused:
        check_contact(Contact(opening_hours="Every day"))
    assert refused.value.code == "contact_missing"
    check_contact(Contact(email="ask@fen.example.org"))
    with pytest.raises(Invalid) as refused:
        check_contact(Contact("01632 960 001", None, "x" * 201))
    assert refused.value.place == "opening_hours"


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("01632 960 001", "01632960001"),
        ("+44 (0)1632 960001", "+441632960001"),
        ("(01632) 960-001", "01632960001"),
    ],
)
def test_what_a_telephone_dials(written: str, number: str) -> None:
    """Digits and a plus; the zero that is dialled at home only is left out after a country's code."""
    assert dialled(written) == number
