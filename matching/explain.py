"""Why it came out so: for one need each alternative and the rule that decided; for one offer what was missing.

    explain_need  -> NeedExplanation    moves: every alternative tried in the model; changes: the smallest that helps
    explain_offer -> OfferExplanation   changes: the price or the capacity at which it would have been used

Both return values, no prose: who shows them finds the words. Every answer comes from the model itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from matching.assemble import price_at, tier_at
from matching.changes import Change, need_changes, offer_changes
from matching.eligibility import refusals_of
from matching.errors import QuestionError
from matching.market import Market, Need, Offer
from matching.moves import SIDES, Standing, Verdict, moved, standing_of
from matching.outcome import Assignment, Award, Outcome, Reason, Unmatched

RESOLVE_SECONDS = 3.5
"""How long the re-solving of one explanation may take; what is then not proven says so."""


class Place(StrEnum):
    """What an offer is to a need."""

    CHOSEN = "chosen"
    REFUSED = "refused"
    NOT_CHOSEN = "not_chosen"


@dataclass(frozen=True)
class Parts:
    """The cost parts of a pair, apart; `price_pence` at the tier that the offer is used at, else at its lowest."""

    price_pence: int
    quality_pence: int
    travel_pence: int
    change_pence: int
    wait_pence: int
    extra_pence: int

    @property
    def total_pence(self) -> int:
        """The pair's effective cost, without any fee."""
        return sum(vars(self).values())


@dataclass(frozen=True)
class Alternative:
    """One offer on the need's bundle. `verdict` is the one rule that kept it out (None for the chosen one).

    With rule ``effective_cost`` the move would have kept every rule and made the whole outcome `value` pence dearer;
    `verdict.largest` is the part of the cost that most of this comes from.
    `parts` is None where the pair is not eligible.
    """

    offer: str
    provider: str
    place: Place
    in_use: bool
    tier: int | None
    parts: Parts | None
    verdict: Verdict | None


@dataclass(frozen=True)
class NeedExplanation:
    """One need: the offer it has (None: unmatched, `reason` says why), the others, and what would have helped."""

    need: str
    chosen: str | None
    charge_pence: int | None
    reason: Reason | None
    rules: tuple[str, ...]
    alternatives: tuple[Alternative, ...]
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class OfferExplanation:
    """One offer: its award if it is used; else the rules that close its tiers, and what would bring it into use."""

    offer: str
    provider: str
    award: Award | None
    eligible_needs: int
    closed_tiers: tuple[tuple[int, tuple[str, ...]], ...]
    changes: tuple[Change, ...]


def explain(market: Market, outcome: Outcome, name: str) -> NeedExplanation | OfferExplanation:
    """Explain a need or an offer by its id (a need, where both bear it).

    Raises
    ------
    QuestionError
        If the market has neither, or the outcome is of another market.
    """
    check_same(market, outcome)
    if name in market.need_by_id:
        return explain_need(market, outcome, name)
    if name in market.offer_by_id:
        return explain_offer(market, outcome, name)
    raise QuestionError("unknown_name", f"{name!r} is neither a need nor an offer of this market", {"name": name})


def check_same(market: Market, outcome: Outcome) -> None:
    """Refuse an outcome of another market."""
    if outcome.market_sha256 != market.sha256 or outcome.seed != market.policy.seed:
        facts = {"market": market.sha256, "outcome": outcome.market_sha256}
        raise QuestionError("another_market", "the outcome is not of this market: solve this one first", facts)


def explain_need(market: Market, outcome: Outcome, name: str, seconds: float = RESOLVE_SECONDS) -> NeedExplanation:
    """Say why a need has the offer it has, or none."""
    need = market.need_by_id[name]
    told = _told(_Asked.of(market, outcome), need)
    if told.chosen is not None:
        return told
    return replace(told, changes=tuple(need_changes(market, outcome, need, seconds)))


def explain_needs(market: Market, outcome: Outcome) -> dict[str, NeedExplanation]:
    """Every need's alternatives, by need, with the model laid out once and nothing re-solved (`changes` is empty)."""
    check_same(market, outcome)
    asked = _Asked.of(market, outcome)
    return {need.id: _told(asked, need) for need in market.needs}


@dataclass(frozen=True)
class _Asked:
    """A market with its outcome, laid out once for any number of needs; `standing` is None if no pair is usable."""

    market: Market
    standing: Standing | None
    assignments: Mapping[str, Assignment]
    unmatched: Mapping[str, Unmatched]
    awards: Mapping[str, Award]
    offers_on: Mapping[str, Sequence[Offer]]

    @classmethod
    def of(cls, market: Market, outcome: Outcome) -> "_Asked":
        offers_on: dict[str, list[Offer]] = {bundle.id: [] for bundle in market.bundles}
        for offer in market.offers:
            for line in offer.lines:
                offers_on[line.bundle].append(offer)
        return cls(
            market,
            standing_of(market, outcome),
            {row.need: row for row in outcome.assignments},
            {row.need: row for row in outcome.unmatched},
            {award.offer: award for award in outcome.awards},
            offers_on,
        )


def _told(asked: _Asked, need: Need) -> NeedExplanation:
    row, left = asked.assignments.get(need.id), asked.unmatched.get(need.id)
    refused = {refusal.offer: refusal for refusal in refusals_of(asked.market, need)}
    alternatives = []
    for offer in asked.offers_on[need.bundle]:
        award = asked.awards.get(offer.id)
        parts, tier = _parts(asked.standing, need, offer, award)
        if row is not None and row.offer == offer.id:
            place, verdict = Place.CHOSEN, None
        elif offer.id in refused:
            found = refused[offer.id]
            place, verdict = Place.REFUSED, Verdict(found.rule, offer.id, found.value, found.limit)
        else:
            place, verdict = Place.NOT_CHOSEN, _decided(asked.standing, need, offer, parts)
        alternatives.append(Alternative(offer.id, offer.provider, place, award is not None, tier, parts, verdict))
    return NeedExplanation(
        need=need.id,
        chosen=None if row is None else row.offer,
        charge_pence=None if row is None else row.charge_pence,
        reason=None if left is None else left.reason,
        rules=() if left is None else left.rules,
        alternatives=tuple(alternatives),
        changes=(),
    )


def explain_offer(market: Market, outcome: Outcome, name: str, seconds: float = RESOLVE_SECONDS) -> OfferExplanation:
    """Say what an offer got, or what was missing."""
    offer = market.offer_by_id[name]
    award = next((award for award in outcome.awards if award.offer == name), None)
    standing = standing_of(market, outcome)
    eligible, closed = 0, []
    if standing is not None:
        at = market.offers.index(offer)
        eligible = int(np.count_nonzero(standing.prepared.pairs.offer == at))
        slots = [slot for slot in standing.prepared.links.slots if slot.offer == at]
        closed = [(slot.tier, slot.closed_by) for slot in slots if slot.closed_by]
    return OfferExplanation(
        offer=name,
        provider=offer.provider,
        award=award,
        eligible_needs=eligible,
        closed_tiers=tuple(closed),
        changes=() if award is not None else tuple(offer_changes(market, outcome, offer, seconds)),
    )


def _parts(standing: Standing | None, need: Need, offer: Offer, award: Award | None) -> tuple[Parts | None, int | None]:
    """The pair's cost parts, priced at the tier in use, else at the tier of the lowest price."""
    at = None if standing is None else standing.eligible_at.get((need.id, offer.id))
    if standing is None or at is None:
        return None, None
    market, pairs = standing.market, standing.prepared.pairs
    prices = [price_at(market, pairs, at, tier) for tier in range(len(offer.lines[0].tiers))]
    tier = tier_at(offer, award.units) if award is not None else prices.index(min(prices))
    others = (int(getattr(pairs, f"{name}_pence")[at]) for name in SIDES)
    return Parts(prices[tier], *others), tier


def _decided(standing: Standing | None, need: Need, offer: Offer, parts: Parts | None) -> Verdict | None:
    """The rule that decided against an eligible offer."""
    pair = None if standing is None else standing.pair_at.get((need.id, offer.id))
    if standing is not None and pair is not None:
        found = moved(standing, pair)
        if found is not None and (found.rule, found.value) == ("own_budget", "band") and parts is not None:
            return Verdict("own_budget", offer.id, parts.price_pence, need.budget_pence)
        return found
    if parts is not None and parts.price_pence > need.budget_pence:
        return Verdict("own_budget", offer.id, parts.price_pence, need.budget_pence)
    if standing is not None:
        at = standing.offer_at[offer.id]
        for slot in standing.prepared.links.slots:
            if slot.offer == at and slot.closed_by:
                return Verdict(slot.closed_by[0], offer.id, slot.high_units, slot.low_units)
    return None
