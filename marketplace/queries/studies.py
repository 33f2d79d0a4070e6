"""Scenarios side by side, for their broker: `study_page`, `studies_of` a tender, and what can be asked: `choices_for`.

The columns are what a worker stored: counts and sums. Here they get words, and differences against the published rules.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any

from sqlalchemy.orm import Session

from marketplace.journey.scopes import one, studies_for
from marketplace.journey.studies import (
    DRAFTED,
    PRICE_ALONE,
    RULES,
    can_leave_out,
    other_pooling,
    stated_in,
    whole_round,
)
from marketplace.records.jobs import Job, JobStatus
from marketplace.records.studies import Study, StudyBasis
from marketplace.records.tenders import Tender
from marketplace.rules.awarding import alias
from marketplace.rules.permissions import Actor
from marketplace.rules.sharing import Pooling

from .results import FILLS, TERMINATIONS, offer_labels
from .words import change, day, permille, plural, pounds

RULE_WORDS = {
    "provider_count": "how many providers a group may have",
    "exclusive_offers": "a provider's either/or offers",
    "keep_provider": "people who asked to stay with their provider",
    "minimum_volume": "the smallest number of units of an offer",
    "line_minimum": "the smallest number of units of an offer in one group",
    "capacity": "the largest number of units of an offer",
    "line_capacity": "the largest number of units of an offer in one group",
    "distance": "how far people can go",
    "grade": "the lowest quality that is asked for",
    "attribute": "what people need at the place, like step‑free access",
    "wait": "how long people can wait",
    "excluded": "providers that people asked not to have",
}
WEIGHT_WORDS = {
    "pence_per_quality_grade": "a grade of quality",
    "pence_per_km": "a kilometre",
    "pence_per_wait_day": "a day of waiting",
    "pence_per_change": "a change of provider",
}
BASIS_WORDS = {
    StudyBasis.RESULT: "The offers of this tender, beside the result of its match.",
    StudyBasis.OFFERS: "The offers of this tender, before its match is run.",
    StudyBasis.MADE_UP: "A made-up group with made-up offers: you have no finished tender for this service yet.",
}
POOLING_WORDS = {
    Pooling.OWN_BUDGET: "each budget pays for its own person only",
    Pooling.SHARED_POOL: "people help each other to pay",
}
LATEST = 20
"""How many of a tender's comparisons are listed."""
STATES = {
    JobStatus.QUEUED: ("Waiting", "yellow"),
    JobStatus.RUNNING: ("Being worked out", "yellow"),
    JobStatus.DONE: ("Ready", "green"),
    JobStatus.FAILED: ("Not finished", "red"),
    JobStatus.CANCELLED: ("Stopped", "white"),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure of one column, and how far it is from the published rules' (None: nothing to compare)."""

    shown: str
    differs: str | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One scenario: its letter and heading, its bar of units by offer, and in a sentence what would be different."""

    letter: str
    heading: str
    bar: Sequence[tuple[str, int, str]]
    matched_units: int
    all_units: int
    sentence: str

    @property
    def told(self) -> str:
        """The bar in words."""
        return ", ".join(f"{label} {units:,}" for label, units, _ in self.bar) or "nobody is matched"


@dataclass(frozen=True, slots=True)
class StudyPage:
    """A study with its columns; none until a worker has answered."""

    study: Study
    tender: Tender
    basis: str
    preview: bool
    columns: Sequence[Column]
    rows: Sequence[tuple[str, Sequence[Cell]]]
    offers: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class StudyRow:
    """One study in a list."""

    study: Study
    cases: Sequence[str]
    state: str
    colour: str


def choices_for(session: Session, tender: Tender) -> dict[str, list[tuple[str, str]]]:
    """What can be left out of a tender: the rules that it states, and the offers that stand."""
    row = whole_round(session, tender.id)
    rules = RULES if row is None else stated_in(row.market)
    labels = offer_labels(session, tender)
    offers = sorted((labels[offer], offer) for offer in can_leave_out(session, tender))
    return {
        "pooling": [(kind.value, _capital(POOLING_WORDS[kind])) for kind in other_pooling(tender)],
        "without_rules": [(rule, _capital(RULE_WORDS[rule])) for rule in rules],
        "without_offers": [(offer, label) for label, offer in offers],
    }


def studies_of(session: Session, actor: Actor, tender: Tender) -> list[StudyRow]:
    """The latest comparisons on a tender, the newest first, with where each stands."""
    query = (
        studies_for(actor)
        .join(Job, Job.study_id == Study.id)
        .where(Study.tender_id == tender.id)
        .with_only_columns(Study, Job.status)
        .order_by(Study.asked_at.desc(), Study.id)
        .limit(LATEST)
    )
    labels = offer_labels(session, tender)
    found = []
    for study, status in session.execute(query):
        headings = [_heading(scenario, labels) for scenario in study.asked["scenarios"]]
        found.append(StudyRow(study, [_capital(heading) for heading in headings], *STATES[status]))
    return found


def study_page(session: Session, actor: Actor, study_id: str) -> StudyPage:
    """One of the broker's own studies."""
    study = one(session, studies_for(actor), study_id, "comparison")
    labels = _labels(session, study)
    preview = bool(study.asked.get("preview"))
    result = study.result or {"base": None, "columns": []}
    found = [result["base"], *result["columns"]] if result["base"] else []
    order = sorted({award["offer"] for column in found for award in column["awards"]}, key=lambda key: labels[key])
    fills = {offer: f"cp-fill-{at % FILLS + 1}" for at, offer in enumerate(order)}
    return StudyPage(
        study=study,
        tender=study.tender,
        basis=_basis(study),
        preview=preview,
        columns=[
            _column(letter, column, found[0], labels, fills, study)
            for letter, column in zip(ascii_uppercase, found, strict=False)
        ],
        rows=_rows(found, past=study.basis is StudyBasis.PAST),
        offers=[(labels[offer], fills[offer]) for offer in order],
    )


def tried_rules(session: Session, actor: Actor, study_id: str) -> Mapping[str, Any]:
    """The rules that a preview was asked with, so that the form has them again; none for any other study."""
    study = session.scalar(studies_for(actor).where(Study.id == study_id))
    return (study.asked.get("preview") or {}) if study is not None else {}


def heading_of_stage(stage: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    """What a worker is at: a scenario, or the published rules' own result."""
    return _capital(_heading(stage["scenario"], labels)) if stage["number"] else "The published rules"


def _labels(session: Session, study: Study) -> Mapping[str, str]:
    """What the offers are called: as the broker may know them on the tender that they were made on."""
    if study.basis is StudyBasis.MADE_UP:
        market = study.market or {"offers": []}
        return {offer["id"]: f"Made-up {alias(at).lower()}" for at, offer in enumerate(market["offers"])}
    return offer_labels(session, study.tender if study.round is None else study.round.tender)


def _basis(study: Study) -> str:
    if study.basis is StudyBasis.PAST and study.round is not None:
        return f"Your last tender like this one: {study.round.tender.title}, matched on {day(study.round.started_at)}."
    return BASIS_WORDS[study.basis] if study.basis is not None else "Not begun yet."


def _heading(scenario: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    """A scenario in a few words."""
    if scenario["name"] in (DRAFTED, PRICE_ALONE):
        return "your rules" if scenario["name"] == DRAFTED else "only the price counts"
    parts = [f"without the rule: {RULE_WORDS[rule]}" for rule in scenario.get("without_rules", [])]
    parts += [f"without {labels.get(offer, 'one offer')}" for offer in scenario.get("without_offers", [])]
    weights = scenario.get("weights_pence", {})
    parts += [f"{WEIGHT_WORDS[name]} counts {pounds(pence)}" for name, pence in weights.items()]
    if (budgets := scenario.get("budgets_permille")) is not None:
        parts.append(f"budgets at {permille(budgets)}")
    if (pooling := scenario.get("pooling")) is not None:
        parts.append(POOLING_WORDS[Pooling(pooling)])
    return ", ".join(parts)


def _column(
    letter: str,
    column: Mapping[str, Any],
    base: Mapping[str, Any],
    labels: Mapping[str, str],
    fills: Mapping[str, str],
    study: Study,
) -> Column:
    awards = sorted(column["awards"], key=lambda award: labels[award["offer"]])
    past = study.basis is StudyBasis.PAST
    if column is base:
        plain = "Only the price counts" if study.basis is StudyBasis.MADE_UP else "The published rules"
        heading = "The rules as they were then" if past else plain
        sentence = TERMINATIONS.get(str(base["termination"]), "The search has ended.")
    else:
        heading, sentence = _capital(_heading(column["scenario"], labels)), _difference(column, base, past=past)
    return Column(
        letter=letter,
        heading=heading,
        bar=[(labels[award["offer"]], award["units"], fills[award["offer"]]) for award in awards],
        matched_units=column["units"],
        all_units=column["all_units"],
        sentence=sentence,
    )


def _difference(column: Mapping[str, Any], base: Mapping[str, Any], *, past: bool) -> str:
    """What a scenario would change, in one sentence: its price, where it is a rule that is left out."""
    if not column["stated"]:
        return "Nothing to leave out or change here: the result is the same."
    parts = []
    more = column["matched"] - base["matched"]
    if more:
        parts.append(f"{plural(abs(more), 'person', 'people')} {'more' if more > 0 else 'fewer'} matched")
    dearer = column["charges_pence"] - base["charges_pence"]
    if dearer:
        parts.append(f"charges {'higher' if dearer > 0 else 'lower'} by {pounds(abs(dearer))}")
    if column["affected"].get("move"):
        parts.append(f"another provider for {plural(column['affected']['move'], 'person', 'people')}")
    sure = "" if column["proven"] else " Both are very near the best, if not at it: a small difference may be chance."
    nothing = f"It would {'have changed' if past else 'change'} nobody's provider and no charge."
    return (f"{_capital(', '.join(parts))}." if parts else nothing) + sure


def _rows(found: Sequence[Mapping[str, Any]], *, past: bool) -> list[tuple[str, list[Cell]]]:
    """The table: one line a figure, one cell a column."""
    if not found:
        return []
    base = found[0]
    rows = [("People matched", [_counted(column, base, lambda one: one["matched"], of="needs") for column in found])]
    rows.append(("Charges in all", [_cost(column, base, lambda one: one["charges_pence"]) for column in found]))
    for words, against in (
        ("Against the usual package", "conventional_pence"),
        ("Against buying alone", "alone_pence"),
    ):
        if against in base:
            rows.append((words, [_saved(column, base, against) for column in found]))
    rows.append(("Cost as the match counts it", [_effective(column, base) for column in found]))
    rows.append(("Offers in use", [_counted(column, base, lambda one: len(one["awards"])) for column in found]))
    for name, words in (
        ("gain", f"People who would {'have gained' if past else 'gain'} a match"),
        ("lose", f"People who would {'have lost' if past else 'lose'} theirs"),
        ("move", "People with another provider"),
        ("dearer", f"People who would {'have paid' if past else 'pay'} more"),
        ("cheaper", f"People who would {'have paid' if past else 'pay'} less"),
    ):
        cells = [Cell("–" if column is base else f"{column['affected'].get(name, 0):,}") for column in found]
        rows.append((words, cells))
    return rows


def _counted(
    column: Mapping[str, Any], base: Mapping[str, Any], figure: Callable[[Mapping[str, Any]], int], of: str = ""
) -> Cell:
    value, differs = figure(column), figure(column) - figure(base)
    shown = f"{value:,} of {column[of]:,}" if of else f"{value:,}"
    return Cell(shown, None if column is base else (f"{differs:+,}".replace("-", "−") if differs else "the same"))


def _cost(column: Mapping[str, Any], base: Mapping[str, Any], figure: Callable[[Mapping[str, Any]], int]) -> Cell:
    """What is paid for those matched: compared only where they are as many. To help fewer people is no saving."""
    value, differs = figure(column), figure(column) - figure(base)
    if column is base:
        return Cell(pounds(value))
    if told := _for_others(column, base):
        return Cell(pounds(value), told)
    return Cell(pounds(value), change(differs) if differs else "the same")


def _effective(column: Mapping[str, Any], base: Mapping[str, Any]) -> Cell:
    """Money and weights together: to be compared only where the weights are the same."""
    if column is not base and (column["scenario"].get("weights_pence") or column["scenario"].get("pooling")):
        return Cell(pounds(column["effective_cost_pence"]), "counted in another way")
    return _cost(column, base, lambda one: one["effective_cost_pence"])


def _saved(column: Mapping[str, Any], base: Mapping[str, Any], against: str) -> Cell:
    """How much cheaper, or dearer, than another way of buying the same care: compared where as many are matched."""
    if against not in column:
        return Cell("–")
    saved, before = (one[against] - one["charges_pence"] for one in (column, base))
    shown = f"{pounds(abs(saved))} {'dearer' if saved < 0 else 'saved'}"
    if column is base:
        return Cell(shown)
    if told := _for_others(column, base):
        return Cell(shown, told)
    more = saved > before
    differs = f"{pounds(abs(saved - before))} {'more' if more else 'less'} saved"
    if saved < 0:  # nothing is saved: by how much it is dearer or cheaper than the first case
        differs = f"{pounds(abs(saved - before))} {'cheaper' if more else 'dearer'} than Case A"
    return Cell(shown, differs if saved != before else "the same")


def _for_others(column: Mapping[str, Any], base: Mapping[str, Any]) -> str:
    """For how many people more, or fewer, a column's sums are; empty where they are as many."""
    more = column["matched"] - base["matched"]
    return f"for {plural(abs(more), 'person', 'people')} {'more' if more > 0 else 'fewer'}" if more else ""


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
