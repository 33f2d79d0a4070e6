"""The codes of an authenticator app: six digits that change every half minute (RFC 6238 over RFC 4226, SHA-1).

`counter_of` says to which half minute a typed code belongs, `address_for_app` what the app reads from a picture. They
are a few lines of the standard library in place of a package: what they do is fixed by the two standards, whose own
figures are in the tests, and rules need nothing but the standard library.
"""

import base64
import hmac
import re
from urllib.parse import quote, urlencode

from .clock import Instant

STEP_S = 30
DIGITS = 6
WINDOW = 1
"""How many half minutes a phone's clock may be early or late."""
SECRET_BYTES = 20
"""As long as SHA-1's output, as RFC 4226 recommends."""
ISSUER = "Carepool"


def counter_at(now: Instant) -> int:
    """In which half minute since 1970 a moment lies."""
    return int(now.timestamp()) // STEP_S


def code_at(secret: bytes, counter: int, digits: int = DIGITS) -> str:
    """The code of one half minute (RFC 4226, section 5.3)."""
    mac = hmac.digest(secret, counter.to_bytes(8), "sha1")
    offset = mac[-1] & 0x0F
    number = int.from_bytes(mac[offset : offset + 4]) & 0x7FFF_FFFF
    return str(number % 10**digits).zfill(digits)


def counter_of(secret: bytes, now: Instant, typed: str) -> int | None:
    """The half minute whose code was typed, of those that may be meant now; None where it fits none of them."""
    code = re.sub(r"[\s-]", "", typed)
    counters = range(counter_at(now) - WINDOW, counter_at(now) + WINDOW + 1)
    fitting = [at for at in counters if hmac.compare_digest(code_at(secret, at).encode(), code.encode())]
    return fitting[-1] if fitting else None


def key_text(secret: bytes) -> str:
    """The secret for typing: base 32, in groups of four."""
    key = base64.b32encode(secret).decode()
    return " ".join(key[at : at + 4] for at in range(0, len(key), 4))


def address_for_app(secret: bytes, email: str) -> str:
    """The ``otpauth`` address that an app reads from a QR code: the secret, and whose it is."""
    said = {
        "secret": key_text(secret).replace(" ", ""),
        "issuer": ISSUER,
        "algorithm": "SHA1",
        "digits": DIGITS,
        "period": STEP_S,
    }
    return f"otpauth://totp/{quote(f'{ISSUER}:{email}', safe='')}?{urlencode(said)}"
