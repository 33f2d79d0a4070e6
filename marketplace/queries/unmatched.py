"""The people of a round without a match, for their broker: why, what each offer lacked, and what would have helped.

The reasons and refusals stand in the stored outcome; the smallest changes in the advice that a worker writes after it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from marketplace.journey.scopes import needs_for
from marketplace.records.advice import Advice
from marketplace.records.pools import Need
from marketplace.records.rounds import Round
from marketplace.rules.permissions import Actor

from . import reasons
from .words import distance, pounds

Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class UnmatchedRow:
    """One person without a match: why, what each offer lacked, and the single changes that would have helped.

    `changes` is None until a worker has looked for them.
    """

    need: Need
    reason: str
    refusals: Sequence[tuple[str, str]]
    changes: Sequence[str] | None


def lines_of(row: Round, *, reason: str = "", lot: str = "") -> list[Line]:
    """The outcome's lines on those without a match, of one reason and one lot if they are named."""
    lot_of = {need["id"]: need["bundle"] for need in row.market["needs"]} if lot else {}
    return [
        line
        for line in (row.outcome or {}).get("unmatched", [])
        if (not reason or line["reason"] == reason) and (not lot or lot_of.get(line["need"]) == lot)
    ]


def reasons_of(row: Round) -> list[tuple[str, str, int]]:
    """How many people are without a match for which reason: its code, its words, the most frequent first."""
    counted = Counter(line["reason"] for line in lines_of(row))
    return [(code, reasons.unmatched(code), count) for code, count in counted.most_common()]


def unmatched_rows(
    session: Session, actor: Actor, row: Round, lines: Sequence[Line], labels: Mapping[str, str]
) -> list[UnmatchedRow]:
    """These lines with their people, and the advice on them."""
    ids = [line["need"] for line in lines]
    query = needs_for(actor).where(Need.id.in_(ids)).options(joinedload(Need.patient), joinedload(Need.bundle))
    needs = {need.id: need for need in session.scalars(query)}
    advice = select(Advice).where(Advice.round_id == row.id, Advice.about_id.in_(ids))
    found = {said.about_id: said.document for said in session.scalars(advice)}
    return [
        UnmatchedRow(
            need=needs[line["need"]],
            reason=reasons.unmatched(line["reason"]),
            refusals=[
                (labels.get(refusal["offer"], "An offer"), reasons.refusal(refusal))
                for refusal in line.get("refusals", [])
            ],
            changes=_changes(found.get(line["need"]), labels),
        )
        for line in lines
        if line["need"] in needs
    ]


def _changes(document: Mapping[str, Any] | None, labels: Mapping[str, str]) -> list[str] | None:
    if document is None:
        return None
    return [_change(change, labels) for change in document["changes"]]


def _change(change: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    """One single change in a sentence: what it is now, what would have been enough, and with whom."""
    now, needed = change["now"], change["needed"]
    said = {
        "distance": lambda: f"a limit of {distance(needed)} in place of {distance(now)}",
        "grade": lambda: f"a quality of {reasons.grade(needed)} in place of {reasons.grade(now)}",
        "attribute": lambda: f"going without {reasons.attribute(now)}",
        "budget": lambda: f"{pounds(needed)} in place of {pounds(now)}",
    }[str(change["kind"])]()
    sentence = f"{labels.get(change['offer'], 'An offer')}, with {said}."
    return sentence if change.get("smallest") else f"{sentence} Less may do."
