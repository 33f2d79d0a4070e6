"""What people take away to check a round with: one patient's proof, the published roots, an auditor's bundle.

Written by `proof_document`, `roots_document` and `salts_document`; checked by `check_proof` and `check_bundle`, which
need nothing but the file itself and, to say that it is about the published result, the roots of its notice. Whatever
such a file holds, it is read as something that anybody may have written.
"""

import json
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from . import proofs
from .errors import Invalid
from .round_rows import Key, SaltOf, Tree, market_rows, market_sha256, outcome_rows, outcome_sha256

PROOF, ROOTS, SALTS = "carepool-proof/1", "carepool-roots/1", "carepool-salts/1"
SIDES = {"market": "what the matching was given", "outcome": "what came out of it"}
_OWN = {"market": ("need",), "outcome": ("assignment", "unmatched")}
"""The kinds of rows that are about one person."""
HOW_TO_CHECK = (
    "Each row is hashed with its salt; the path leads from that hash to the root, which the tender's notice shows.",
    "With this software: carepool proof check FILE --root MARKET_ROOT --root OUTCOME_ROOT",
    "By hand: begin with SHA-256(00, JSON of [salt, row] with sorted keys, no spaces, UTF-8). For each step of a path "
    "take SHA-256(01, own, step) where the place is even, SHA-256(01, step, own) where it is odd, and halve the place. "
    "The end must be the root (the tree is that of RFC 6962, section 2.1, its size a power of two).",
)
_LARGEST = 1 << 40
_MOST_BYTES, _MOST_TIMES = 1 << 30, 50
"""What a bundle may unpack to: that much, and so many times its own size (half of salts.json is chance)."""
_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked, in a sentence, and whether it holds."""

    holds: bool
    told: str


def roots_document(
    *, tender: str, round_id: str, number: int, market_hash: str, outcome_hash: str, roots: Mapping[str, str]
) -> dict[str, Any]:
    """What a notice publishes of its round: both documents' hashes, and the roots over their rows."""
    return {
        "format": ROOTS,
        "tender": tender,
        "round": round_id,
        "number": number,
        "market_sha256": market_hash,
        "outcome_sha256": outcome_hash,
        "market_root": roots["market"],
        "outcome_root": roots["outcome"],
    }


def proof_document(*, tender: str, round_id: str, need: str, trees: Mapping[str, Tree]) -> dict[str, Any]:
    """One patient's rows with the proof that they are in: the need that went in, and what came of it.

    Raises
    ------
    KeyError
        If the round has no such need.
    """
    came = "assignment" if trees["outcome"].has("assignment", need) else "unmatched"
    own = {"market": ("need", need), "outcome": (came, need)}
    return {
        "format": PROOF,
        "tender": tender,
        "round": round_id,
        **{
            side: {"root": tree.root, "size": len(tree.rows), "rows": [tree.shown(*own[side])]}
            for side, tree in trees.items()
        },
        "how_to_check": list(HOW_TO_CHECK),
    }


def salts_document(trees: Mapping[str, Tree]) -> dict[str, Any]:
    """Every row's salt, with which the rows of the two documents lead to the roots."""
    return {"format": SALTS, **{side: tree.salts() for side, tree in trees.items()}}


def published_roots(document: object) -> frozenset[str]:
    """The roots in a file that a notice offers.

    Raises
    ------
    Invalid
        If it is no such file.
    """
    found = _of_format(document, ROOTS, "That is not the file of roots that a notice offers.")
    return frozenset(hex_root(_text(found, f"{side}_root"), f"{side}_root") for side in SIDES)


def published_hashes(document: object) -> dict[str, str]:
    """The hashes of both documents in a file that a notice offers, by side.

    Raises
    ------
    Invalid
        If it is no such file.
    """
    found = _of_format(document, ROOTS, "That is not the file of roots that a notice offers.")
    return {side: hex_root(_text(found, f"{side}_sha256"), f"{side}_sha256") for side in SIDES}


def hex_root(text: str, place: str = "root") -> str:
    """A root as it is written: 64 hexadecimal digits.

    Raises
    ------
    Invalid
        If it is not.
    """
    return _bytes(text.strip().lower(), place).hex()


def read_json(content: bytes) -> object:
    """Read JSON in which no key stands twice and every figure is one.

    Raises
    ------
    Invalid
        If it is anything else.
    """
    try:
        return json.loads(content.decode(), object_pairs_hook=_once, parse_constant=_no_figure)
    except (ValueError, RecursionError):
        raise Invalid("not_json", "That file is not JSON that can be read.", place="file") from None


def check_file(
    content: bytes, published: Collection[str] = (), hashes: Mapping[str, str] | None = None
) -> list[Finding]:
    """Check a patient's file, or an auditor's bundle as the ZIP that it came as (its documents' hashes too).

    Raises
    ------
    Invalid
        If it is neither.
    """
    if not content.startswith(b"PK"):
        return check_proof(read_json(content), published)
    try:
        with ZipFile(BytesIO(content)) as archive:
            parts = {name: read_json(part) for name, part in _unpacked(archive, len(content))}
    except (BadZipFile, EOFError, KeyError, OSError, NotImplementedError, RuntimeError, zlib.error):
        raise Invalid("not_a_bundle", "That ZIP is not the bundle of a round.", place="file") from None
    return check_bundle(**parts, published=published, hashes=hashes)


def check_proof(document: object, published: Collection[str] = ()) -> list[Finding]:
    """Check a patient's file: its rows lead to its roots, and its roots are among the published ones.

    Raises
    ------
    Invalid
        If it is no such file, naming the place.
    """
    found = _of_format(document, PROOF, "That is not a file that a patient downloads to check a result.")
    findings: list[Finding] = []
    about: set[str] = set()
    roots: dict[str, str] = {}
    for side in SIDES:
        part = _mapping(found, side)
        roots[side] = hex_root(_text(part, "root"), f"{side}.root")
        size = _whole(part, "size")
        rows = part.get("rows")
        if not isinstance(rows, list) or not rows:
            raise _wrong(f"{side}.rows", "must be a list with a row in it")
        for position, shown in enumerate(rows):
            finding, need = _check_row(shown, size, roots[side], side, f"{side}.rows[{position}]")
            findings.append(finding)
            about.add(need)
    if len(about) > 1:
        findings.append(Finding(False, "These rows are about different people's needs: they do not belong together."))
    return findings + _check_published(roots, published)


def check_bundle(
    market: object,
    outcome: object,
    roots: object,
    salts: object,
    published: Collection[str] = (),
    hashes: Mapping[str, str] | None = None,
) -> list[Finding]:
    """Check an auditor's bundle: documents have their hashes, rows lead to the roots, and these are the published ones.

    A root stands for a document's hash as well as for its rows; only how long the matching took is vouched for by
    nothing. ``published`` are roots and ``hashes`` the documents' hashes by side, as the notice shows them. Whether the
    outcome keeps the rules of the market is for ``python -m matching verify`` to say.

    Raises
    ------
    Invalid
        If a part of it is not what it should be.
    """
    stated = _of_format(roots, ROOTS, "roots.json is not what a bundle has under this name.")
    salted = _of_format(salts, SALTS, "salts.json is not what a bundle has under this name.")
    documents = {
        "market": _of_format(market, "market/1", "market.json is no market/1 document."),
        "outcome": _of_format(outcome, "outcome/1", "outcome.json is no outcome/1 document."),
    }
    try:
        hashed = {"market": market_sha256(documents["market"]), "outcome": outcome_sha256(documents["outcome"])}
        rows = {"market": market_rows(documents["market"]), "outcome": outcome_rows(documents["outcome"])}
        trees = {side: Tree.grown(rows[side], _listed(salted, side)) for side in SIDES}
        grown = {side: tree.root for side, tree in trees.items()}
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise _wrong("the bundle", f"lacks something or has it in another shape ({type(error).__name__})") from None
    findings = []
    for side, words in SIDES.items():
        same = hashed[side] == stated.get(f"{side}_sha256")
        aside = ", its timings aside" if side == "outcome" else ""
        has = "has" if same else "does NOT have"
        findings.append(Finding(same, f"{side}.json, {words}, {has} the stated hash{aside}."))
        same = grown[side] == stated.get(f"{side}_root")
        leads = "lead" if same else "do NOT lead"
        findings.append(Finding(same, f"Its {len(rows[side]):,} rows {leads} to the stated root."))
    same = documents["outcome"].get("market_sha256") == hashed["market"]
    findings.append(Finding(same, f"The outcome {'names' if same else 'does NOT name'} this market as its own."))
    for side, published_hash in (hashes or {}).items():
        same = hashed[side] == published_hash
        findings.append(Finding(same, f"The hash of {SIDES[side]} is {'' if same else 'NOT '}the published one."))
    return findings + _check_published(grown, published)


def _unpacked(archive: ZipFile, packed_bytes: int) -> Iterator[tuple[str, bytes]]:
    """The four documents of a bundle, of a ZIP that unpacks to no more than such a file can hold."""
    parts = {name: archive.getinfo(f"{name}.json") for name in ("market", "outcome", "roots", "salts")}
    unpacked_bytes = sum(part.file_size for part in parts.values())
    if unpacked_bytes > min(_MOST_BYTES, _MOST_TIMES * packed_bytes):
        raise Invalid("bundle_too_large", "That ZIP unpacks to more than the bundle of a round holds.", place="file")
    for name, part in parts.items():
        if part.compress_type not in (ZIP_STORED, ZIP_DEFLATED):  # the others unpack without a bound
            raise BadZipFile(f"packed in a way that is not read here: {part.compress_type}")
        with archive.open(part) as packed:
            yield name, packed.read(part.file_size + 1)


def _check_row(shown: object, size: int, root: str, side: str, place: str) -> tuple[Finding, str]:
    """Whether one row leads to the root, and which need it is about."""
    if not isinstance(shown, Mapping):
        raise _wrong(place, "must be a row with its salt, place and path")
    row, path = _mapping(shown, "row"), shown.get("path")
    if len(row) != 1 or not isinstance(path, list):
        raise _wrong(place, "must have one row and its path")
    [(kind, content)] = row.items()
    about = content.get("id" if kind == "need" else "need") if isinstance(content, Mapping) else None
    if kind not in _OWN[side] or not isinstance(about, str):
        raise _wrong(place, "is no row about one person's need")
    steps = [_bytes(step, f"{place}.path") for step in path]
    try:
        hashed = proofs.leaf(_text(shown, "salt"), row)
    except (TypeError, ValueError, RecursionError):
        raise _wrong(place, "holds something that no row has") from None
    holds = proofs.check(hashed, _whole(shown, "place"), size, steps, bytes.fromhex(root))
    said = {"need": "The need", "assignment": "The match of need", "unmatched": "The line without a match of need"}
    name = about if about.isalnum() and len(about) <= 24 else "?"  # it goes to a terminal
    return Finding(
        holds, f"{said[kind]} {name} is {'' if holds else 'NOT '}in {SIDES[side]}, exactly as it stands here."
    ), about


def _check_published(roots: Mapping[str, str], published: Collection[str]) -> list[Finding]:
    """Whether a file's roots are the published ones: where one is left out, the other must still be there."""
    if not published:
        return []
    findings = []
    for side, words in SIDES.items():
        if roots[side] in published:
            findings.append(Finding(True, f"The root of {words} is the published one."))
        elif len(published) >= len(SIDES):
            findings.append(Finding(False, f"The root of {words} is NOT the published one."))
        else:
            findings.append(Finding(True, f"The root of {words} was not compared: give it too."))
    strange = len(set(published) - set(roots.values()))
    if strange and all(finding.holds for finding in findings):
        findings.append(Finding(False, "A root that you gave is NOT a root of this file."))
    return findings


def _listed(salted: Mapping[str, Any], side: str) -> SaltOf:
    """The salts that a bundle lists; a row that is not listed has none, and leads to no root that was published."""
    listed = _mapping(salted, side)

    def salt_of(key: Key) -> str:
        salt = listed.get(" ".join(key))
        return "" if salt is None else _bytes(salt, f"salts.{side}").hex()

    return salt_of


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_figure(name: str) -> object:
    raise ValueError(f"{name} is no figure")


def _of_format(document: object, name: str, told: str) -> Mapping[str, Any]:
    if not isinstance(document, Mapping) or document.get("format") != name:
        raise Invalid("not_that_file", told, place="format")
    return document


def _mapping(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = found.get(name)
    if not isinstance(value, Mapping):
        raise _wrong(name, "must be an object")
    return value


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str):
        raise _wrong(name, "must be text")
    return value


def _whole(found: Mapping[str, Any], name: str) -> int:
    value = found.get(name)
    if type(value) is not int or not 0 <= value <= _LARGEST:
        raise _wrong(name, "must be a whole number")
    return value


def _bytes(value: object, place: str) -> bytes:
    if not isinstance(value, str) or len(value) != 64 or not set(value) <= _HEX:
        raise _wrong(place, "must be 64 hexadecimal digits")
    return bytes.fromhex(value)


def _wrong(place: str, told: str) -> Invalid:
    return Invalid("wrong_shape", f"{place} {told}.", place=place)
