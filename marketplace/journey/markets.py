"""The market of a tender as the engine reads it: records in, a market/1 document out.

`rounds` freezes what `market_document` writes; nothing else of the house knows the format. What an offer says of its
site is read from its content, sealed before the deadline, and never from the site's row, which may have changed since.
"""

from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, aliased, joinedload

from marketplace.records.offers import Offer, OfferStatus
from marketplace.records.pools import LIVE_NEEDS, Bundle, Need, NeedStatus
from marketplace.records.tenders import Tender
from marketplace.rules.lifecycle import LotResult
from marketplace.rules.preferences import Preferences

from .looking_again import refused_providers
from .sites import facts_said

IN_THE_MARKET = (NeedStatus.POOLED, NeedStatus.MATCHED, NeedStatus.UNMATCHED)
"""Needs that a round buys for, unless they are elsewhere: money is held for each, and nobody has refused."""


def market_document(session: Session, tender: Tender) -> dict[str, Any]:
    """The tender's market/1: its frozen policy, its lots, the pooled needs, the standing offers."""
    needs = session.scalars(
        select(Need)
        .join(Need.bundle)
        .where(Bundle.tender_id == tender.id, Need.status.in_(IN_THE_MARKET), ~is_elsewhere())
        .options(joinedload(Need.plan_line), joinedload(Need.patient), joinedload(Need.bundle))
        .order_by(Need.id)
    ).all()
    offers = session.scalars(
        select(Offer).where(Offer.tender_id == tender.id, Offer.status == OfferStatus.STANDING).order_by(Offer.id)
    ).all()
    refused = refused_providers(session, tender.id)
    active = {bundle.id for bundle in tender.bundles if bundle.result is LotResult.ACTIVE}
    return {
        "format": "market/1",
        "policy": dict(tender.policy["matching"]),
        "bundles": [_bundle_document(bundle) for bundle in tender.bundles if bundle.result is LotResult.ACTIVE],
        "needs": [_need_document(need, tender.policy["matching"], refused.get(need.id, set())) for need in needs],
        "providers": [{"id": provider} for provider in sorted({offer.provider_id for offer in offers})],
        "offers": [document for offer in offers if (document := _offer_document(offer, active))["lines"]],
    }


def is_elsewhere() -> ColumnElement[bool]:
    """Whether somebody for whom nobody was found was asked into another group since: no part of a plan is in two."""
    other = aliased(Need)
    another = select(other.id).where(
        other.plan_line_id == Need.plan_line_id, other.id != Need.id, other.status.in_(LIVE_NEEDS)
    )
    return another.correlate(Need).exists()


def _bundle_document(bundle: Bundle) -> dict[str, Any]:
    return _given(
        id=bundle.id,
        service=bundle.service_id,
        min_grade=bundle.min_grade,
        min_providers=bundle.min_providers,
        max_providers=bundle.max_providers,
    )


def distance_limit_m(need: Need) -> int | None:
    """How far somebody can go: as far as the plan and the person's own wish both allow; None where neither says."""
    wish_m = Preferences.from_document(need.preferences).max_distance_m
    return min((limit for limit in (need.plan_line.max_distance_m, wish_m) if limit is not None), default=None)


def _need_document(need: Need, policy: dict[str, Any], refused: set[str]) -> dict[str, Any]:
    line, patient, wishes = need.plan_line, need.patient, Preferences.from_document(need.preferences)
    return _given(
        id=need.id,
        bundle=need.bundle_id,
        units=need.units,
        budget_pence=need.budget_pence,
        priority=need.priority,
        reserve_pence=need.units * need.bundle.conventional_pence,
        easting_m=patient.easting_m,
        northing_m=patient.northing_m,
        max_distance_m=distance_limit_m(need),
        min_grade=line.min_grade,
        requires=sorted(line.requires),
        current_provider=line.current_provider_id,
        keep_provider=wishes.keep_provider or None,
        excludes=sorted({*wishes.excludes, *refused}),
        weights=wishes.weights(policy) or None,
        max_wait_days=line.max_wait_days,
    )


def _offer_document(offer: Offer, lots: set[str]) -> dict[str, Any]:
    site, content = facts_said(offer), offer.content or {}
    lines = [_given(**line) for line in content["lines"] if line["bundle"] in lots]
    document = _given(
        id=offer.id,
        provider=offer.provider_id,
        fee_pence=content["fee_pence"],
        min_units=content["min_units"],
        max_units=content["max_units"],
        max_distance_m=content.get("max_distance_m"),
        exclusive=f"{offer.provider_id}:{content['exclusive']}" if content.get("exclusive") else None,
        grade=site.grade,
        attributes=list(site.attributes),
        first_appointment_days=site.first_appointment_days,
        easting_m=site.easting_m,
        northing_m=site.northing_m,
    )
    return {**document, "lines": lines}


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None and value != []}
