"""The codes are those of RFC 4226 and RFC 6238, figure by figure, and fit for as long as the window says."""

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from marketplace.rules import totp

SECRET = b"12345678901234567890"
HOTP = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]
"""RFC 4226, appendix D."""
TOTP = {
    59: "94287082",
    1_111_111_109: "07081804",
    1_111_111_111: "14050471",
    1_234_567_890: "89005924",
    2_000_000_000: "69279037",
    20_000_000_000: "65353130",
}
"""RFC 6238, appendix B, for SHA-1: seconds since 1970 and eight digits."""


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(seconds=seconds)


@pytest.mark.parametrize("counter", range(10))
def test_the_codes_of_rfc_4226(counter: int) -> None:
    assert totp.code_at(SECRET, counter) == HOTP[counter]


@pytest.mark.parametrize("seconds", TOTP)
def test_the_codes_of_rfc_6238(seconds: int) -> None:
    counter = totp.counter_at(at(seconds))
    assert totp.code_at(SECRET, counter, digits=8) == TOTP[seconds]
    assert totp.code_at(SECRET, counter) == TOTP[seconds][2:]


def test_a_code_fits_one_step_early_and_one_step_late() -> None:
    """And it is told to which half minute it belongs, so that it can be remembered as taken."""
    code = totp.code_at(SECRET, 100)
    found = [totp.counter_of(SECRET, at(seconds), code) for seconds in (2969.9, 2970, 3000, 3059.9, 3060)]
    assert found == [None, 100, 100, 100, None]


def test_however_it_is_spaced() -> None:
    code = totp.code_at(SECRET, 100)
    assert totp.counter_of(SECRET, at(3000), f" {code[:3]} {code[3:]} ") == 100


@pytest.mark.parametrize("typed", ["", "1", "abcdef", "１２３４５６", "0" * 500, "-" * 6])
def test_anything_else_fits_nothing(typed: str) -> None:
    assert totp.counter_of(SECRET, at(3000), typed) is None


def test_what_the_app_reads() -> None:
    """Key, issuer and account as the apps expect them; the text for typing is the same key."""
    address = urlsplit(totp.address_for_app(SECRET, "a+b@example.test"))
    said = {name: values[0] for name, values in parse_qs(address.query).items()}
    assert (address.scheme, address.netloc, address.path) == ("otpauth", "totp", "/Carepool%3Aa%2Bb%40example.test")
    assert base64.b32decode(said.pop("secret")) == SECRET
    assert said == {"issuer": "Carepool", "algorithm": "SHA1", "digits": "6", "period": "30"}
    assert base64.b32decode(totp.key_text(SECRET).replace(" ", "")) == SECRET
