"""Why a patient was matched as they were: every other offer on the lot, with the one thing that decided.

`reasons_of` makes them from the frozen market and its outcome when the round is recorded; the patient's page and
the feedback to providers read what was stored, so that what people were told stays what they were told.
"""

from collections.abc import Mapping
from typing import Any

from matching import Market, Outcome
from matching.eligibility import eligible_pairs, refusals_of
from matching.market import Offer


class Reasons:
    """The reasons of one outcome. Offers appear by id; pages turn ids into names or aliases as the state allows."""

    def __init__(self, market: Market, outcome: Outcome) -> None:
        self._market, self._outcome = market, outcome
        self._offers = {offer.id: offer for offer in market.offers}
        self._awards = {award.offer: award for award in outcome.awards}
        pairs = eligible_pairs(market)
        self._side_pence = {
            (market.needs[need].id, market.offers[offer].id): int(side)
            for need, offer, side in zip(pairs.need, pairs.offer, pairs.side_pence, strict=True)
        }
        self._line_units: dict[tuple[str, str], int] = {}
        bundle_of = {need.id: need.bundle for need in market.needs}
        units_of = {need.id: need.units for need in market.needs}
        for assignment in outcome.assignments:
            key = (assignment.offer, bundle_of[assignment.need])
            self._line_units[key] = self._line_units.get(key, 0) + units_of[assignment.need]
        self._needs = {need.id: need for need in market.needs}

    def of(self, need_id: str, chosen: str | None) -> dict[str, Any]:
        """The alternatives of one need: for each other offer on its lot, the rule that decided and its figures."""
        need = self._needs[need_id]
        refused = {refusal.offer: refusal for refusal in refusals_of(self._market, need)}
        alternatives = []
        for offer in self._market.offers:
            if offer.id == chosen or not any(line.bundle == need.bundle for line in offer.lines):
                continue
            if offer.id in refused:
                found = refused[offer.id]
                alternatives.append(_row(offer.id, found.rule, found.value, found.limit))
            else:
                alternatives.append(self._eligible_but_not_chosen(need_id, offer, chosen))
        return {"alternatives": alternatives}

    def _eligible_but_not_chosen(self, need_id: str, offer: Offer, chosen: str | None) -> dict[str, Any]:
        need, award = self._needs[need_id], self._awards.get(offer.id)
        line = next(line for line in offer.lines if line.bundle == need.bundle)
        cheapest_pence = min(tier.price_pence for tier in line.tiers) * need.units
        if cheapest_pence > need.budget_pence:
            return _row(offer.id, "own_budget", cheapest_pence, need.budget_pence)
        if award is None:
            return _row(offer.id, "not_in_use", None, None)
        price_pence = line.tiers[award.tier].price_pence * need.units
        if price_pence > need.budget_pence:
            return _row(offer.id, "own_budget", price_pence, need.budget_pence)
        line_units = self._line_units.get((offer.id, need.bundle), 0)
        for used, most in ((award.units, offer.max_units), (line_units, line.max_units)):
            if most is not None and used + need.units > most:
                return _row(offer.id, "capacity", used, most)
        theirs_pence = price_pence + self._side_pence[(need_id, offer.id)]
        if chosen is None:
            return _row(offer.id, "fee_cover", price_pence, need.budget_pence)
        return _row(offer.id, "effective_cost", theirs_pence, self._effective_pence(need_id, chosen))

    def _effective_pence(self, need_id: str, offer_id: str) -> int:
        need, award = self._needs[need_id], self._awards[offer_id]
        line = next(line for line in self._offers[offer_id].lines if line.bundle == need.bundle)
        return line.tiers[award.tier].price_pence * need.units + self._side_pence[(need_id, offer_id)]


def _row(offer: str, rule: str, value: object, limit: object) -> dict[str, Any]:
    row: Mapping[str, Any] = {"offer": offer, "rule": rule, "value": value, "limit": limit}
    return {name: item for name, item in row.items() if item is not None}
