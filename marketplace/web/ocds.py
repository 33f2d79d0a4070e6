"""Notices as open data: `release_package` makes a package of the Open Contracting Data Standard 1.1 (OCDS, 2017).

One release a notice. It says what the notice's page says and no more: demand as frozen at publication, winners as shown
there, values of too few people left out. Lots are the standard's "Lots" extension. The prefix of contracting ids is the
installation's own, registered with the Open Contracting Partnership (setting ``OCID_PREFIX``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marketplace.queries.notices import Lot, Notice, Winner
from marketplace.rules.clock import utc
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.money import Pence

from .tender_words import amendment_sentences

LOTS_EXTENSION = (
    "https://raw.githubusercontent.com/open-contracting-extensions/ocds_lots_extension/v1.1.5/extension.json"
)
LICENCE = "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/"
STATUS = {
    TenderStatus.WITHDRAWN: "withdrawn",
    TenderStatus.UNSUCCESSFUL: "unsuccessful",
    TenderStatus.CANCELLED: "cancelled",
    TenderStatus.AWARDED: "complete",
}
"""The standard's words for how a tender ended; until then it is active."""

BROKER, BUYER = "broker", "buyer"


@dataclass(frozen=True, slots=True)
class Source:
    """One notice, who funds the care (the standard's buyer), and the address of its page."""

    notice: Notice
    commissioner: str
    page: str


def release_package(sources: Sequence[Source], *, prefix: str, address: str) -> dict[str, Any]:
    """The package with one release of each notice (there is at least one), as a document of JSON values.

    Parameters
    ----------
    prefix
        The installation's prefix of contracting ids.
    address
        Where this document is found.
    """
    publishers = sorted({source.commissioner for source in sources})
    return {
        "uri": address,
        "version": "1.1",
        "extensions": [LOTS_EXTENSION],
        "publishedDate": _date(max(_changed_at(source.notice) for source in sources)),
        "publisher": {"name": ", ".join(publishers)},
        "license": LICENCE,
        "releases": [
            _release(source.notice, _changed_at(source.notice), source.commissioner, prefix, source.page)
            for source in sources
        ],
    }


def _release(notice: Notice, released_at: datetime, commissioner: str, prefix: str, page: str) -> dict[str, Any]:
    tender, ended = notice.tender, STATUS.get(notice.tender.status)
    cancelled = ended in ("withdrawn", "unsuccessful", "cancelled")
    tags = ["tenderCancellation"] if cancelled else ["tenderUpdate"] if notice.amendments else ["tender"]
    buyer, broker = {"id": BUYER, "name": commissioner}, {"id": BROKER, "name": tender.broker.name}
    suppliers = [{"id": _supplier_id(at), "name": winner.provider} for at, winner in enumerate(notice.winners, 1)]
    release = {
        "ocid": f"{prefix}-{tender.id}",
        "id": f"{tender.id}-{released_at:%Y%m%dT%H%M%SZ}",
        "date": _date(released_at),
        "tag": [*tags, "award"] if notice.winners else tags,
        "initiationType": "tender",
        "language": "en",
        "parties": [
            {**buyer, "roles": ["buyer", "funder"]},
            {**broker, "roles": ["procuringEntity"]},
            *({**supplier, "roles": ["supplier"]} for supplier in suppliers),
        ],
        "buyer": buyer,
        "tender": _tender(notice, ended or "active", broker, page),
    }
    if notice.winners:
        release["awards"] = [_award(notice, winner, at, page) for at, winner in enumerate(notice.winners, 1)]
    return release


def _tender(notice: Notice, status: str, broker: dict[str, str], page: str) -> dict[str, Any]:
    tender = notice.tender
    period = {"startDate": _date(tender.published_at), "endDate": _date(tender.offers_due_at)}
    found = {
        "id": tender.id,
        "title": tender.title,
        "status": status,
        "statusDetails": tender.status_reason,
        "procuringEntity": broker,
        "procurementMethod": "open",
        "procurementMethodDetails": "Sealed offers, awarded by the published rules of the match.",
        "mainProcurementCategory": "services",
        "awardCriteriaDetails": f"The published policy, sha256 {tender.policy_sha256}.",
        "submissionMethod": ["electronicSubmission"],
        "tenderPeriod": {name: date for name, date in period.items() if date},
        "lots": [{"id": lot.bundle_id, "title": f"{lot.service}, {lot.area}", "status": status} for lot in notice.lots],
        "items": [_item(lot) for lot in notice.lots],
        "documents": [_document("notice", "tenderNotice", tender.title, page)],
        "amendments": [
            {"id": amendment.id, "date": _date(amendment.made_at), "description": amendment_sentences(amendment)}
            for amendment in notice.amendments
        ],
    }
    return {name: value for name, value in found.items() if value not in (None, [])}


def _item(lot: Lot) -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": lot.bundle_id,
        "description": f"{lot.service} for {lot.patients} people in {lot.area}",
        "unit": {"name": lot.unit},
        "relatedLot": lot.bundle_id,
    }
    return item if lot.units is None else {**item, "quantity": lot.units}


def _award(notice: Notice, winner: Winner, position: int, page: str) -> dict[str, Any]:
    tender, found = notice.tender, notice.round
    award: dict[str, Any] = {
        "id": f"{tender.id}-award-{position}",
        "title": f"{tender.title}: {winner.provider}",
        "status": "active" if tender.status is TenderStatus.AWARDED else "pending",
        "suppliers": [{"id": _supplier_id(position), "name": winner.provider}],
        "documents": [_document(f"award-{position}", "awardNotice", tender.title, page)],
    }
    if tender.award_reasons:
        award["description"] = tender.award_reasons
    if tender.awarded_at:
        award["date"] = _date(tender.awarded_at)
    if winner.value_pence is not None:
        award["value"] = _pounds(winner.value_pence)
    if found is not None:
        hashes = f"market sha256 {found.market_sha256}; outcome sha256 {found.outcome_sha256}"
        roots = f"market {found.market_root}; outcome {found.outcome_root}"
        award["documents"][0]["description"] = (
            f"Of the round's documents: {hashes}. Merkle roots over their rows (RFC 6962): {roots}."
        )
    return award


def _document(key: str, kind: str, title: str, page: str) -> dict[str, Any]:
    return {"id": key, "documentType": kind, "title": title, "url": page, "format": "text/html", "language": "en"}


def _changed_at(notice: Notice) -> datetime:
    """The last moment at which the notice came to say something else."""
    tender = notice.tender
    moments = [tender.published_at, tender.awarded_at, tender.ended_at]
    moments += [amendment.made_at for amendment in notice.amendments]
    if notice.round is not None:
        moments.append(notice.round.finished_at)
    return max(utc(moment) for moment in moments if moment is not None)


def _supplier_id(position: int) -> str:
    return f"supplier-{position}"


def _pounds(pence: Pence) -> dict[str, Any]:
    return {"amount": round(pence / 100, 2), "currency": "GBP"}


def _date(moment: datetime | None) -> str | None:
    return None if moment is None else utc(moment).strftime("%Y-%m-%dT%H:%M:%SZ")
