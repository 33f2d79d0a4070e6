"""How a broker is reached: `Contact`, checked by `check_contact`; `dialled`, what a telephone dials."""

import re
from dataclasses import dataclass

from .errors import Invalid

LONGEST_TELEPHONE = 30
LONGEST_EMAIL = 254
LONGEST_HOURS = 200
FEWEST_DIGITS, MOST_DIGITS = 9, 15
"""Of a telephone number: the shortest that are dialled from anywhere, and the longest there are (ITU-T E.164)."""

NOT_A_TELEPHONE = "Enter a telephone number with its area code, like 01632 960 001"
NOT_AN_EMAIL = "Enter an e-mail address like name@example.org"
"""What to type instead, wherever a number or an address is asked for."""

_TELEPHONE = re.compile(r"\+?[0-9() -]+")
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")


@dataclass(frozen=True, slots=True)
class Contact:
    """How people reach somebody: a telephone number, an e-mail address or both, and when somebody is there."""

    telephone: str | None = None
    email: str | None = None
    opening_hours: str | None = None


def check_contact(contact: Contact) -> None:
    """There is a number or an address, and each looks like one.

    Raises
    ------
    Invalid
        Naming the field, with what to type.
    """
    if not contact.telephone and not contact.email:
        raise Invalid("contact_missing", "Enter a telephone number, an e-mail address or both.", place="telephone")
    if contact.telephone and not is_telephone(contact.telephone):
        raise Invalid("not_a_telephone", f"{NOT_A_TELEPHONE}.", place="telephone")
    if contact.email and not is_email(contact.email):
        raise Invalid("not_an_email", f"{NOT_AN_EMAIL}.", place="email")
    if len(contact.opening_hours or "") > LONGEST_HOURS:
        raise Invalid("hours_too_long", f"Use {LONGEST_HOURS} characters or fewer.", place="opening_hours")


def is_telephone(text: str) -> bool:
    """Whether it can be dialled: digits, with spaces, brackets, hyphens and one plus sign in front."""
    digits = sum(letter.isdigit() for letter in text)
    fits = len(text) <= LONGEST_TELEPHONE and FEWEST_DIGITS <= digits <= MOST_DIGITS
    return fits and _TELEPHONE.fullmatch(text) is not None


def is_email(text: str) -> bool:
    """Whether it can be an e-mail address."""
    return len(text) <= LONGEST_EMAIL and _EMAIL.fullmatch(text) is not None


def dialled(telephone: str) -> str:
    """``+44 (0)1632 960001`` -> ``+441632960001``: the zero in brackets is dialled at home only."""
    plain = telephone.replace("(0)", "") if telephone.startswith("+") else telephone
    return re.sub(r"[^+0-9]", "", plain)
