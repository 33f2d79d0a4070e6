"""The trees of a round: every row is in one, no size counts and no place names anybody; files check or do not."""

import copy
import json
from collections.abc import Callable
from functools import partial
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_LZMA, ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.rules import proof_files
from marketplace.rules.errors import Invalid
from marketplace.rules.round_rows import (
    LEAST,
    Tree,
    market_rows,
    market_sha256,
    outcome_rows,
    outcome_sha256,
    salts_from,
)

SECRET = "5a" * 32


def market(needs: int) -> dict[str, Any]:
    """A market of two bundles, one offer, and so many needs."""
    return {
        "format": "market/1",
        "policy": {"pooling": "own_budget", "seed": 7},
        "bundles": [{"id": "b1"}, {"id": "b2"}],
        "needs": [{"id": f"n{number}", "bundle": "b1", "budget_pence": 60_000} for number in range(needs)],
        "providers": [{"id": "p1"}],
        "offers": [{"id": "o1", "provider": "p1"}],
    }


def outcome(needs: int, unmatched: int = 1) -> dict[str, Any]:
    """What could have come out of it: the last ones are without a match."""
    matched = needs - unmatched
    return {
        "format": "outcome/1",
        "termination": "optimal",
        "market_sha256": market_sha256(market(needs)),
        "seed": 7,
        "seconds": {"total": 0.25},
        "objective": {"coverage": {"value": matched, "bound": matched, "gap_permille": 0.0, "certified_bound": None}},
        "awards": [{"offer": "o1", "units": 10 * matched}],
        "assignments": [{"need": f"n{number}", "offer": "o1", "charge_pence": 49_000} for number in range(matched)],
        "unmatched": [{"need": f"n{number}", "reason": "not_chosen"} for number in range(matched, needs)],
    }


def trees(needs: int, secret: str = SECRET) -> dict[str, Tree]:
    return {
        "market": Tree.grown(market_rows(market(needs)), salts_from(secret, "market")),
        "outcome": Tree.grown(outcome_rows(outcome(needs)), salts_from(secret, "outcome")),
    }


def proof_of(need: str, needs: int = 12) -> dict[str, Any]:
    """One person's file, as it comes out of JSON."""
    document = proof_files.proof_document(tender="t1", round_id="r1", need=need, trees=trees(needs))
    written: dict[str, Any] = json.loads(json.dumps(document))
    return written


def holds(findings: list[proof_files.Finding]) -> bool:
    return all(finding.holds for finding in findings)


def is_refused(check: Callable[[], list[proof_files.Finding]]) -> bool:
    """Whether a file is found not to hold, or is no such file; then it is said at which place."""
    try:
        return not holds(check())
    except Invalid as error:
        return bool(error.place)


def test_every_row_is_in_its_tree() -> None:
    """Policy, bundles, needs, provider, offer; objective, assignments, unmatched, award; the hash of the whole."""
    found = trees(12)
    kinds = {side: [row.key[0] for row in tree.rows if row.key[0] != "empty"] for side, tree in found.items()}
    assert sorted(set(kinds["market"])) == ["bundle", "document", "need", "offer", "policy", "provider"]
    assert sorted(set(kinds["outcome"])) == ["assignment", "award", "document", "objective", "unmatched"]
    assert (len(kinds["market"]), len(kinds["outcome"])) == (18, 15)
    pairs = {**market(2), "pairs": [{"need": "n0", "offer": "o1"}, {"need": "n1", "offer": "o1"}]}
    assert sum(kind == "pair" for kind, _ in market_rows(pairs)) == 2


@given(st.integers(1, 300))
@settings(max_examples=30, deadline=None)
def test_a_size_counts_nobody(needs: int) -> None:
    """A tree of seven people is as large as one of forty; beyond, only the next power of two is known."""
    size = len(trees(needs)["market"].rows)
    assert size >= max(LEAST, needs + 6)
    assert size & (size - 1) == 0
    assert size == LEAST or size < 2 * (needs + 6)


def test_a_place_tells_nothing() -> None:
    """With another secret the same people stand elsewhere: the order is that of the salts."""
    here, there = (
        [row.key for row in trees(12, secret)["market"].rows if row.key[0] == "need"] for secret in (SECRET, "5b" * 32)
    )
    assert sorted(here) == sorted(there)
    assert here != there
    assert here != sorted(here)
    assert trees(12)["market"].root == trees(12)["market"].root != trees(12, "5b" * 32)["market"].root


def test_no_two_rows_share_a_salt() -> None:
    """Nor do the same person's rows of both sides."""
    salts = [row.salt for tree in trees(40).values() for row in tree.rows]
    assert len(set(salts)) == len(salts)


@pytest.mark.parametrize("need", ["n0", "n7", "n11"])
def test_a_persons_file_checks(need: str) -> None:
    """Matched or not: it holds alone, and against the published roots; it has nobody else in it."""
    document = proof_of(need)
    roots = {tree.root for tree in trees(12).values()}
    assert holds(proof_files.check_proof(document))
    assert holds(proof_files.check_proof(document, roots))
    assert not holds(proof_files.check_proof(document, {tree.root for tree in trees(13).values()}))
    told = json.dumps(document)
    assert not any(f'"n{number}"' in told for number in range(12) if f"n{number}" != need)


def test_one_root_alone_is_compared_alone() -> None:
    document = proof_of("n0")
    findings = proof_files.check_proof(document, {trees(12)["market"].root})
    assert holds(findings)
    assert findings[-1].told == "The root of what came out of it was not compared: give it too."
    assert not holds(proof_files.check_proof(document, {"00" * 32}))


CHANGES = {
    "a penny": lambda file: file["market"]["rows"][0]["row"]["need"].update(budget_pence=59_999),
    "a penny that came out": lambda file: file["outcome"]["rows"][0]["row"]["assignment"].update(charge_pence=48_999),
    "a salt": lambda file: file["market"]["rows"][0].update(salt="00" * 32),
    "a place": lambda file: file["market"]["rows"][0].update(place=file["market"]["rows"][0]["place"] ^ 1),
    "a step": lambda file: file["outcome"]["rows"][0]["path"].__setitem__(0, "00" * 32),
    "a step less": lambda file: file["outcome"]["rows"][0]["path"].pop(),
    "the size": lambda file: file["market"].update(size=128),
    "a root": lambda file: file["market"].update(root="00" * 32),
    "one more word": lambda file: file["market"]["rows"][0]["row"]["need"].update(note="x"),
    "somebody else's match": lambda file: file.update(outcome=proof_of("n1")["outcome"]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_file_does_not_check(change: str) -> None:
    document = proof_of("n0")
    CHANGES[change](document)
    assert not holds(proof_files.check_proof(document))


STRANGE: tuple[Any, ...] = (None, 0, -1, 1.5, "x", [], {}, [{}], {"need": 1}, "00" * 33, 10**40, "\ud800" * 64)


def places_in(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, item in inner for place in places_in(item, (*at, key)))]


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_whatever_stands_in_a_file_is_told_and_never_believed(data: st.DataObject) -> None:
    """Any value at any place that counts: refused by name, or found not to hold; nothing else is ever raised."""
    document = proof_of("n0")
    counted = [place for place in places_in(document) if place and place[0] in ("format", "market", "outcome")]
    *way, last = data.draw(st.sampled_from(counted), label="place")
    inside: Any = document
    for step in way:
        inside = inside[step]
    before, inside[last] = inside[last], data.draw(st.sampled_from(STRANGE), label="value")
    assert inside[last] == before or is_refused(lambda: proof_files.check_proof(document))


def bundle(needs: int = 12) -> dict[str, Any]:
    """The four documents of an auditor's bundle."""
    found = trees(needs)
    return {
        "market": market(needs),
        "outcome": outcome(needs),
        "roots": proof_files.roots_document(
            tender="t1",
            round_id="r1",
            number=1,
            market_hash=market_sha256(market(needs)),
            outcome_hash=outcome_sha256(outcome(needs)),
            roots={side: tree.root for side, tree in found.items()},
        ),
        "salts": proof_files.salts_document(found),
    }


def test_a_bundle_checks_against_its_notice() -> None:
    whole = bundle()
    assert holds(proof_files.check_bundle(**whole))
    assert holds(proof_files.check_bundle(**whole, published=proof_files.published_roots(whole["roots"])))
    other = proof_files.published_roots(bundle(13)["roots"])
    assert not holds(proof_files.check_bundle(**whole, published=other))


BROKEN = {
    "a need's penny": lambda whole: whole["market"]["needs"][3].update(budget_pence=1),
    "a need left out": lambda whole: whole["market"]["needs"].pop(),
    "a charge": lambda whole: whole["outcome"]["assignments"][3].update(charge_pence=1),
    "an award": lambda whole: whole["outcome"]["awards"][0].update(units=1),
    "a gap": lambda whole: whole["outcome"]["objective"]["coverage"].update(gap_permille=1.0),
    "another market's outcome": lambda whole: whole["outcome"].update(market_sha256="00" * 32),
    "a salt": lambda whole: whole["salts"]["market"].update({"need n3": "00" * 32}),
    "a root": lambda whole: whole["roots"].update(market_root="00" * 32),
}


@pytest.mark.parametrize("change", BROKEN)
def test_a_changed_bundle_does_not_check(change: str) -> None:
    whole = bundle()
    BROKEN[change](whole)
    assert not holds(proof_files.check_bundle(**whole))


def forge(whole: dict[str, Any], part: str = "outcome") -> None:
    """Whoever changes a document changes the hash that the bundle states of it too."""
    hash_of = market_sha256 if part == "market" else outcome_sha256
    whole["roots"][f"{part}_sha256"] = hash_of(whole[part])


FORGED = {
    "a false match before the true one": lambda whole: whole["outcome"]["assignments"].insert(
        0, {"need": "n3", "offer": "o1", "charge_pence": 1}
    ),
    "a false need before the true one": lambda whole: whole["market"]["needs"].insert(
        0, {"id": "n3", "bundle": "b1", "budget_pence": 1}
    ),
    "a gap": lambda whole: whole["outcome"]["objective"]["coverage"].update(gap_permille=9.0),
    "an invented key": lambda whole: whole["outcome"].update(paid_by="somebody"),
    "an invented key of the market": lambda whole: whole["market"].update(paid_by="somebody"),
}


@pytest.mark.parametrize("change", FORGED)
def test_a_forged_document_does_not_check_though_its_hash_is_made_to_fit(change: str) -> None:
    """The roots alone find it, and so do the notice's hashes."""
    whole = bundle()
    shown = copy.deepcopy(whole["roots"])
    FORGED[change](whole)
    for part in ("market", "outcome"):
        forge(whole, part)
    assert is_refused(lambda: proof_files.check_bundle(**whole, published=proof_files.published_roots(shown)))
    assert is_refused(lambda: proof_files.check_bundle(**whole, hashes=proof_files.published_hashes(shown)))


def zipped(parts: dict[str, bytes], packing: int = ZIP_DEFLATED) -> bytes:
    written = BytesIO()
    with ZipFile(written, "w", packing) as archive:
        for name, content in parts.items():
            archive.writestr(f"{name}.json", content)
    return written.getvalue()


def test_a_bundle_packed_again_still_checks() -> None:
    whole = bundle()
    parts = {name: json.dumps(part).encode() for name, part in whole.items()}
    found = proof_files.check_file(zipped(parts), hashes=proof_files.published_hashes(whole["roots"]))
    assert holds(found)
    assert found[-1].told == "The hash of what came out of it is the published one."
    with pytest.raises(Invalid, match="not the bundle"):
        proof_files.check_file(zipped(parts, ZIP_LZMA))


def test_a_small_file_that_unpacks_to_a_large_one_is_refused_before_it_is_unpacked() -> None:
    parts = {name: json.dumps(part).encode() for name, part in bundle().items()}
    with pytest.raises(Invalid, match="unpacks to more"):
        proof_files.check_file(zipped({**parts, "salts": b" " * (1 << 24) + parts["salts"]}))


@pytest.mark.parametrize("part", ["market", "outcome", "roots", "salts"])
def test_a_bundle_that_lacks_something_is_refused(part: str) -> None:
    """Each of its documents emptied, or each key of it taken away: refused or found wrong, and nothing else raised."""
    whole = bundle()
    for spoilt in (None, [], {}, {"format": "market/1"}):
        with pytest.raises(Invalid):
            proof_files.check_bundle(**{**whole, part: spoilt})
    for key in whole[part]:
        lacking = copy.deepcopy(whole)
        del lacking[part][key]
        if key in ("tender", "round", "number", "seconds"):  # said for people; no rule rests on them
            assert holds(proof_files.check_bundle(**lacking))
            continue
        assert is_refused(partial(proof_files.check_bundle, **lacking)), key


def test_the_timings_are_no_part_of_an_outcome() -> None:
    slower = {**outcome(3), "seconds": {"total": 99.0}}
    assert outcome_sha256(slower) == outcome_sha256(outcome(3))
    assert outcome_rows(slower) == outcome_rows(outcome(3))
