"""A whole round as one file for auditors: both documents, every salt, the roots, and how to check them.

The documents name nobody: needs, providers and offers go by their opaque ids. They are personal data all the same
(the law says pseudonymised): to check who could go to whom, an auditor needs the place where each patient lives, and
place, care and money together can be enough to tell who somebody is. Leaving the places out, or moving all of them,
would help nobody: without them nothing can be checked, and clinics' places are public, so that a shift is soon undone.

`auditors` hands bundles out, each time on the record; `open_bundle` is for made-up people only.
"""

import json
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from sqlalchemy import Row
from sqlalchemy.orm import Session

from marketplace.records.rounds import Round
from marketplace.rules.proof_files import roots_document, salts_document

from .proofs import published_round
from .roots import trees_of
from .scopes import one, tenders_for


@dataclass(frozen=True, slots=True)
class Bundle:
    """A round as one file, and how the file is called."""

    name: str
    content: bytes


_LONG_AGO = (1980, 1, 1, 0, 0, 0)

README = """\
One round of matching, to be checked in full
============================================

Tender {tender}, round {number} ({round_id}).

WITH CARE: no names are in these files, but the people in them could be recognised. market.json
says where each of them lives, which care they need and what they can pay. Keep the files to
yourself, use them for the purpose that you were named for, and destroy them afterwards. The
offers in it, those that did not win among them, are their providers' secrets.

market.json    what the matching was given (market/1)
outcome.json   what came out of it (outcome/1)
roots.json     the hashes and roots that the notice of this tender shows
salts.json     the salt of each row; with them the rows lead to the roots

1. That the outcome keeps every rule of the market, to the penny and to the metre:

       python -m matching verify market.json outcome.json

2. That these are the documents of the published result (copy both roots from the notice, not
   from this folder, or download the notice's own file of roots and give that):

       carepool proof check THIS.zip --root MARKET_ROOT --root OUTCOME_ROOT
       carepool proof check THIS.zip --notice ROOTS_OF_THE_NOTICE.json

   Neither asks a database, a key or the network.

By hand: a row is hashed as SHA-256(00, JSON), where JSON is [salt, {{kind: row}}] with sorted keys
and no spaces. The kinds of market.json are policy, bundle, need, provider, offer and pair; those of
outcome.json are objective (the levels without gap_permille, with termination, market_sha256 and
seed), assignment, unmatched and award. On either side one row more, "document", is the hash of
the whole document, as roots.json states it; only the timings ("seconds") are in no hash. Rows go
by the name under which salts.json lists them; those called "empty N" are {{"empty": "N"}} and only
fill the tree. Put all rows of one side in the order of their salts. The root over them is that of
RFC 6962, section 2.1, with SHA-256.
"""


def bundle_of(session: Session, row: Round) -> Bundle:
    """A verified round as a ZIP: the same round gives the same bytes.

    Nothing in it is compressed, because two compressors may shorten the same bytes differently.
    """
    trees = trees_of(session, row)
    told = README.format(tender=row.tender_id, number=row.number, round_id=row.id)
    parts = {
        "README.txt": told,
        "market.json": _text(row.market),
        "outcome.json": _text(row.outcome),
        "roots.json": _text(roots_of(row)),
        "salts.json": _text(salts_document(trees)),
    }
    written = BytesIO()
    with ZipFile(written, "w", ZIP_STORED) as archive:
        for name, content in parts.items():
            info = ZipInfo(name, _LONG_AGO)
            info.create_system = 3  # as on every Unix, wherever it is written
            info.external_attr = 0o644 << 16
            archive.writestr(info, content.encode())
    return Bundle(f"carepool-round-{row.tender_id}.zip", written.getvalue())


def roots_of(row: Round | Row[Any]) -> dict[str, Any]:
    """What the notice publishes of a round, whole or without its documents: a carepool-roots/1 document."""
    return roots_document(
        tender=row.tender_id,
        round_id=row.id,
        number=row.number,
        market_hash=row.market_sha256,
        outcome_hash=row.outcome_sha256 or "",
        roots={"market": row.market_root or "", "outcome": row.outcome_root or ""},
    )


def open_bundle(session: Session, tender_id: str) -> Bundle:
    """The bundle of a published tender's round for anybody: whoever calls this knows that its people are made up."""
    return bundle_of(session, published_round(session, one(session, tenders_for(None), tender_id, "tender")))


def _text(document: object) -> str:
    return json.dumps(document, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
