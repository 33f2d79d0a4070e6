"""Beside the walk: studies, scenarios computed next to what the published policy comes to. They inform, and no more.

`ask_study` writes the question; `freeze_study` finds the market it is asked of; `work.scenarios` has the engine answer;
`finish_study` keeps the columns. None of them touches a tender, a round, an award or a pound: what is proposed comes
from `rounds.finish_round` alone, and that takes a round, which a study is not.

Once the offers are open, a study is computed on the tender's own market. For a draft it shows what the drafted policy
would have done on the last similar tender of the same broker, or, where there is none, on a made-up market.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

import matching
from marketplace.records import audit
from marketplace.records.offers import Offer, OfferStatus
from marketplace.records.pools import Bundle
from marketplace.records.rounds import Round, RoundKind, RoundStatus
from marketplace.records.studies import Study, StudyBasis
from marketplace.records.tenders import Tender
from marketplace.rules.canonical import sha256_of
from marketplace.rules.clock import Instant
from marketplace.rules.errors import Invalid, WrongState
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.permissions import Actor, Role, check_owner
from marketplace.rules.sharing import Pooling
from marketplace.rules.tendering import Policy, policy_document, seed_of
from matching.generate import generate_market
from matching.scenario import SIDE_RULES, Scenario, apply

from .markets import market_document
from .scopes import locked

MOST_COLUMNS = 8
"""So many scenarios can be read side by side."""
WEIGHTS = ("pence_per_quality_grade", "pence_per_km", "pence_per_wait_day", "pence_per_change")
DRAFTED, PRICE_ALONE = "drafted_policy", "price_alone"
MADE_UP_NEEDS, MADE_UP_OFFERS = 40, 6
"""The size of the made-up market; its seed is always the same."""
NOT_OURS = ("provider_share", "bundle_quality", "provider_capacity")
"""Rules of the engine that `markets` writes for no tender."""
RULES = tuple(rule for rule in SIDE_RULES if rule not in NOT_OURS)
"""The rules that can be left out, by their public names."""
_STATED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "provider_count": (("bundles", "min_providers"), ("bundles", "max_providers")),
    "exclusive_offers": (("offers", "exclusive"),),
    "keep_provider": (("needs", "keep_provider"),),
    "minimum_volume": (("offers", "min_units"),),
    "line_minimum": (("lines", "min_units"),),
    "capacity": (("offers", "max_units"),),
    "line_capacity": (("lines", "max_units"),),
    "distance": (("needs", "max_distance_m"), ("offers", "max_distance_m")),
    "grade": (("needs", "min_grade"), ("bundles", "min_grade")),
    "attribute": (("needs", "requires"),),
    "wait": (("needs", "max_wait_days"),),
    "excluded": (("needs", "excludes"),),
}
"""Where a market document states each rule: reading it as the engine does takes too long for a page."""
_LIMITS = ("max_providers", "max_units", "max_distance_m", "max_wait_days")
"""These say something even at 0."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a study asks: a column for each rule and each offer left out, for other weights, budgets, pooling."""

    without_rules: tuple[str, ...] = ()
    without_offers: tuple[str, ...] = ()
    weights_pence: tuple[tuple[str, int], ...] = ()
    budgets_permille: int = 1000
    pooling: str | None = None

    def scenarios(self) -> list[Scenario]:
        """One scenario a column, in the order in which they are shown."""
        columns = [Scenario(f"without {rule}", without_rules=(rule,)) for rule in self.without_rules]
        columns += [Scenario(f"without {offer}", without_offers=(offer,)) for offer in self.without_offers]
        if self.weights_pence:
            columns.append(Scenario("other weights", weights_pence=self.weights_pence))
        if self.budgets_permille != 1000:
            columns.append(Scenario("other budgets", budgets_permille=self.budgets_permille))
        if self.pooling is not None:
            columns.append(Scenario("other pooling", pooling=self.pooling))
        return columns


def ask_study(session: Session, now: Instant, actor: Actor, tender_id: str, asked: Asked) -> Study:
    """Ask what other rules, weights, budgets, or an offer less, would have come to. The tender stays as it is.

    Raises
    ------
    Invalid
        If nothing is asked, too much at once, or about an unknown rule or offer.
    WrongState
        If the offers are not open.
    """
    tender = locked(session, Tender, tender_id, "tender")
    check_owner(actor, Role.BROKER, tender.broker_id, "tender")
    if not can_study(session, tender):
        raise WrongState("offers_sealed", "Scenarios can be compared once the offers are open.")
    columns = asked.scenarios()
    if not columns:
        raise Invalid("nothing_asked", "Choose at least one thing that would be different.", place="form")
    if len(columns) > MOST_COLUMNS:
        message = f"Choose {MOST_COLUMNS} at most: each of them becomes a column."
        raise Invalid("too_many_scenarios", message, place="form", found=len(columns))
    unknown = set(asked.without_offers) - can_leave_out(session, tender) or set(asked.without_rules) - set(RULES)
    if unknown or asked.pooling not in (None, *other_pooling(tender)):
        raise Invalid("unknown_scenario", "Choose from the rules and offers of this tender.", place="form")
    document = {"scenarios": [scenario.document() for scenario in columns]}
    return _ask(session, now, actor, tender, document, tender.policy_sha256)


def ask_preview(session: Session, now: Instant, actor: Actor, tender_id: str, policy: Policy) -> Study:
    """Ask what this policy would have done on the last similar tender. The draft keeps the policy that it has.

    Raises
    ------
    Invalid
        If a weight or time of the policy is out of range.
    WrongState
        If the tender is published.
    """
    tender = locked(session, Tender, tender_id, "tender")
    check_owner(actor, Role.BROKER, tender.broker_id, "tender")
    if tender.status is not TenderStatus.DRAFT:
        raise WrongState("policy_frozen", "The rules of a published tender are fixed, so there is nothing to try.")
    whole = policy_document(policy)
    stated: Any = whole["matching"]
    drafted = Scenario(
        DRAFTED, weights_pence=tuple((name, stated[name]) for name in WEIGHTS), pooling=str(stated["pooling"])
    )
    alone = Scenario(PRICE_ALONE, weights_pence=tuple((name, 0) for name in WEIGHTS))
    tried = {name: stated[name] for name in (*WEIGHTS, "pooling")}
    document = {"preview": tried, "scenarios": [drafted.document(), alone.document()]}
    return _ask(session, now, actor, tender, document, sha256_of(whole))


def _ask(
    session: Session, now: Instant, actor: Actor, tender: Tender, document: dict[str, Any], policy_sha256: str
) -> Study:
    study = Study(tender_id=tender.id, asked=document, asked_at=now, policy_sha256=policy_sha256)
    session.add(study)
    session.flush()
    columns = len(document["scenarios"])
    audit.append(session, now, actor, "study.asked", study.id, tender=tender.id, scenarios=columns)
    return study


def other_pooling(tender: Tender) -> list[Pooling]:
    """The ways of pooling that the tender's policy did not choose."""
    return [kind for kind in Pooling if kind != tender.policy["matching"]["pooling"]]


def can_study(session: Session, tender: Tender) -> bool:
    """Whether a tender's own offers are there to be looked at: they are open, and not all is over."""
    if tender.closed_at is None:
        return False
    return tender.status in (TenderStatus.CLOSED, TenderStatus.MATCHING) or whole_round(session, tender.id) is not None


def stated_in(market: Mapping[str, Any]) -> list[str]:
    """The rules that a market document states."""
    lines = [line for offer in market["offers"] for line in offer["lines"]]
    rows_of = {**market, "lines": lines}

    def states(kind: str, name: str) -> bool:
        values = (row.get(name) for row in rows_of.get(kind, []))
        return any(value is not None if name in _LIMITS else value for value in values)

    return [rule for rule in RULES if any(states(kind, name) for kind, name in _STATED[rule])]


def whole_round(session: Session, tender_id: str) -> Round | None:
    """The last round of a tender that matched its whole market and passed its check; a rematch moves only some."""
    query = select(Round).where(
        Round.tender_id == tender_id, Round.status == RoundStatus.VERIFIED, Round.kind == RoundKind.WHOLE
    )
    return session.scalar(query.order_by(Round.number.desc()).limit(1))


def freeze_study(session: Session, now: Instant, actor: Actor, study_id: str) -> Study:
    """Find the market that the question is asked of, and keep it, or the round that has it.

    Raises
    ------
    WrongState
        If the tender has come to an end without a market meanwhile.
    """
    study = locked(session, Study, study_id, "study")
    tender = study.tender
    check_owner(actor, Role.BROKER, tender.broker_id, "study")
    if study.basis is not None:
        return study
    if study.asked.get("preview"):
        _freeze_preview(session, study, tender)
    elif (row := whole_round(session, tender.id)) is not None:
        _on_round(study, StudyBasis.RESULT, row)
    elif can_study(session, tender):
        document = market_document(session, tender)
        seed = seed_of(tender.nonce or "", matching.read_market(document).sha256)
        document["policy"]["seed"] = seed
        _on_market(study, StudyBasis.OFFERS, document)
    else:
        raise WrongState("no_market", "This tender has ended, and there is nothing to compare with.")
    facts = {"tender": tender.id, "basis": str(study.basis), "market_sha256": study.market_sha256}
    audit.append(session, now, actor, "study.frozen", study.id, **facts)
    return study


def _freeze_preview(session: Session, study: Study, draft: Tender) -> None:
    row = similar_round(session, draft)
    if row is not None:
        _on_round(study, StudyBasis.PAST, row)
        return
    made_up = generate_market(needs_per_bundle=MADE_UP_NEEDS, offers_per_bundle=MADE_UP_OFFERS, seed=1)
    price_alone = Scenario(PRICE_ALONE, weights_pence=tuple((name, 0) for name in WEIGHTS))
    _on_market(study, StudyBasis.MADE_UP, apply(made_up, price_alone).document())


def similar_round(session: Session, draft: Tender) -> Round | None:
    """The last round of another tender of this broker for a service of the draft; of any while the draft has none."""
    query = (
        select(Round)
        .join(Round.tender)
        .where(
            Tender.broker_id == draft.broker_id,
            Tender.id != draft.id,
            Round.status == RoundStatus.VERIFIED,
            Round.kind == RoundKind.WHOLE,
        )
    )
    if services := {bundle.service_id for bundle in draft.bundles}:
        query = query.where(Tender.bundles.any(Bundle.service_id.in_(services)))
    return session.scalar(query.order_by(Round.started_at.desc(), Round.id).limit(1))


def _on_round(study: Study, basis: StudyBasis, row: Round) -> None:
    study.basis, study.round_id = basis, row.id
    study.market_sha256, study.seed = row.market_sha256, row.seed


def _on_market(study: Study, basis: StudyBasis, market: dict[str, Any]) -> None:
    study.basis, study.market = basis, market
    study.market_sha256 = matching.read_market(market).sha256
    study.seed = str(market["policy"].get("seed", 0))


def question_of(session: Session, study_id: str) -> dict[str, Any]:
    """What the engine is asked: the market, the present outcome if there is one, the scenarios; and what units cost."""
    study = session.get_one(Study, study_id)
    lots = (study.tender if study.round is None else study.round.tender).bundles
    prices = {row.service_id: [row.conventional_pence, row.private_pence] for row in lots}
    return {
        "market": study.market if study.round is None else study.round.market,
        "outcome": None if study.round is None else study.round.outcome,
        "scenarios": study.asked["scenarios"],
        "prices": {} if study.basis is StudyBasis.MADE_UP else prices,
    }


def finish_study(session: Session, now: Instant, actor: Actor, study_id: str, result: Mapping[str, Any]) -> Study:
    """Keep the columns. Nothing else changes."""
    study = locked(session, Study, study_id, "study")
    check_owner(actor, Role.BROKER, study.tender.broker_id, "study")
    study.result, study.finished_at = dict(result), now
    facts = {"market_sha256": study.market_sha256, "scenarios": len(result["columns"])}
    audit.append(session, now, actor, "study.finished", study.id, tender=study.tender_id, **facts)
    return study


def fail_study(session: Session, now: Instant, actor: Actor, study_id: str, reason: str) -> Study:
    """There is no answer, for a stated reason; the reason stands on the job."""
    study = locked(session, Study, study_id, "study")
    study.finished_at = now
    audit.append(session, now, actor, "study.failed", study.id, tender=study.tender_id, why=reason)
    return study


def can_leave_out(session: Session, tender: Tender) -> set[str]:
    """The offers that can be left out: those of the market, which are the standing ones."""
    query = select(Offer.id).where(Offer.tender_id == tender.id, Offer.status == OfferStatus.STANDING)
    row = whole_round(session, tender.id)
    counted_on = None if row is None else {offer["id"] for offer in row.market["offers"]}
    return {offer for offer in session.scalars(query) if counted_on is None or offer in counted_on}
