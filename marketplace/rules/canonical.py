"""One way to write a document as bytes, so that its hash means the same thing to everybody."""

import hashlib
import json
from collections.abc import Mapping, Sequence

Json = None | bool | int | str | Sequence["Json"] | Mapping[str, "Json"]

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical_json(document: object) -> str:
    """Keys sorted, no spaces, UTF-8 as it is; floats and NaN are refused because they have several spellings."""
    _refuse_floats(document)
    return _ENCODER.encode(document)


def sha256_of(document: object) -> str:
    """The hash, in hexadecimal, of a document's canonical form."""
    return hashlib.sha256(canonical_json(document).encode()).hexdigest()


def _refuse_floats(value: object) -> None:
    if isinstance(value, float):
        raise TypeError("a document that is hashed holds no floats: use integers in a smaller unit")
    if isinstance(value, dict):  # the one mapping that JSON takes; asking for any is slow over a million rows
        for item in value.values():
            _refuse_floats(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_floats(item)
