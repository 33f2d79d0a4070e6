"""After refusals: everybody else stays where they are, and only what was freed is placed anew.

`rematch` writes a market of its own and solves it, so that its outcome is verified like any other:

- a standing need has one pair, its present offer; its budget is the charge it accepted, a ceiling that may not rise;
- a freed need has its eligible pairs, without the providers it refused; a need that left is gone;
- a standing need's priority is above all freed ones together: nobody is displaced to place somebody new.

Where refusals take an offer below its minimum, its band or its fee's cover, the shortfall is named. The provider may
waive it (then it serves fewer units at the same prices); if freed needs do not fill the gap, those it served are
displaced: they get all their eligible pairs and their own budget back, and a second solve places whom it can.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from matching.eligibility import Pairs, eligible_pairs
from matching.errors import QuestionError
from matching.explain import check_same
from matching.market import Line, Market, Need, Offer, Pair, Tier
from matching.outcome import Assignment, Outcome
from matching.solve import solve


@dataclass(frozen=True)
class Shortfall:
    """What refusals leave an offer short of: `rule` is minimum_volume, line_minimum, tier_volume or fee_cover."""

    offer: str
    rule: str
    value: int
    limit: int
    waived: bool


@dataclass(frozen=True)
class Displaced:
    """Somebody who had a place and does not keep it as it was, and the rules that took it.

    `offer_after` is None for who is unmatched now. Whoever has another offer, or the same at a higher charge, is asked
    anew.
    """

    need: str
    offer_before: str
    offer_after: str | None
    charge_before_pence: int
    charge_after_pence: int | None
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Rematch:
    """The new outcome with the market it is of; who was kept, placed anew, displaced, and why."""

    market: Market
    outcome: Outcome
    kept: tuple[str, ...]
    placed: tuple[str, ...]
    displaced: tuple[Displaced, ...]
    shortfalls: tuple[Shortfall, ...]

    @property
    def disruption(self) -> int:
        """How many keep neither provider nor charge."""
        provider = {offer.id: offer.provider for offer in self.market.offers}
        return sum(
            (one.offer_after is None or provider[one.offer_after] != provider[one.offer_before])
            and (one.charge_after_pence is None or one.charge_after_pence > one.charge_before_pence)
            for one in self.displaced
        )


def rematch(
    market: Market,
    outcome: Outcome,
    *,
    refused: Collection[str] = (),
    left: Collection[str] = (),
    accepted: Collection[str] | None = None,
    waived: Collection[str] = (),
    **options: Any,
) -> Rematch:
    """Place what refusals freed, and keep everybody else.

    Parameters
    ----------
    market, outcome
        What was solved and proposed.
    refused
        Needs whose patient declined the provider proposed; they may be placed with another.
    left
        Needs that are withdrawn altogether.
    accepted
        Standing needs whose charge is a ceiling; None: all of them. The others keep their own budget as the limit.
    waived
        Offers whose provider waives a shortfall: no minimum, the awarded tier's prices from the first unit on, and no
        more fee than those who stay have accepted.
    options
        As for `solve`.

    Raises
    ------
    QuestionError
        If the outcome is of another market, or a name is unknown.
    """
    check_same(market, outcome)
    rows = {row.need: row for row in outcome.assignments}
    _check_names("refused", refused, rows)
    _check_names("left", left, market.need_by_id)
    _check_names("accepted", accepted or (), rows)
    _check_names("waived", waived, market.offer_by_id)
    standing = {name: row for name, row in rows.items() if name not in refused and name not in left}
    shortfalls = _shortfalls(market, outcome, standing, waived)
    base = _waiving(market, outcome, standing, {short.offer for short in shortfalls if short.waived})
    eligible = eligible_pairs(market)
    ceilings = set(standing) if accepted is None else set(standing) & set(accepted)
    revised = _revised(base, eligible, standing, ceilings, rows, refused, left)
    after = solve(revised, start=outcome, **options)
    kept = {row.need for row in after.assignments} & standing.keys()
    if len(kept) < len(standing):
        stays = {name: row for name, row in standing.items() if name in kept}
        revised = _revised(base, eligible, stays, ceilings & kept, rows, refused, left)
        after = solve(revised, start=after, **options)
    return _told(revised, after, standing, ceilings, shortfalls)


def _check_names(place: str, names: Iterable[str], known: Collection[str]) -> None:
    for name in sorted(names):
        if name not in known:
            message = f"{place}: {name!r} has no place in this outcome: check the name"
            raise QuestionError("unknown_name", message, {"name": name})


def _shortfalls(
    market: Market, outcome: Outcome, standing: Mapping[str, Assignment], waived: Collection[str]
) -> tuple[Shortfall, ...]:
    """What the standing needs alone leave each awarded offer short of."""
    found: list[Shortfall] = []
    for award in outcome.awards:
        offer = market.offer_by_id[award.offer]
        rows = [row for row in standing.values() if row.offer == offer.id]
        if not rows:
            continue
        is_waived = offer.id in waived
        units_of: dict[str, int] = {}
        for row in rows:
            need = market.need_by_id[row.need]
            units_of[need.bundle] = units_of.get(need.bundle, 0) + need.units
        units, start = sum(units_of.values()), offer.lines[0].tiers[award.tier].from_units
        covered = sum(row.fee_share_pence for row in rows)
        checks = [("minimum_volume", units, offer.min_units), ("tier_volume", units, start)]
        checks += [("line_minimum", units_of.get(line.bundle, 0), line.min_units) for line in offer.lines]
        # In a shared pool what is missing of a fee is everybody's to carry, unless its provider waives it.
        if market.policy.pooling == "own_budget" or is_waived:
            checks.append(("fee_cover", covered, offer.fee_pence))
        found += [Shortfall(offer.id, rule, value, limit, is_waived) for rule, value, limit in checks if value < limit]
    return tuple(found)


def _waiving(market: Market, outcome: Outcome, standing: Mapping[str, Assignment], waived: Collection[str]) -> Market:
    """The market with what providers waive."""
    tier_of = {award.offer: award.tier for award in outcome.awards}

    def eased(offer: Offer) -> Offer:
        if offer.id not in waived:
            return offer
        covered = sum(row.fee_share_pence for row in standing.values() if row.offer == offer.id)
        lines = tuple(_from_first_unit(line, tier_of[offer.id]) for line in offer.lines)
        return replace(offer, min_units=0, lines=lines, fee_pence=min(offer.fee_pence, covered))

    return replace(market, offers=tuple(eased(offer) for offer in market.offers))


def _from_first_unit(line: Line, tier: int) -> Line:
    """A line whose awarded tier begins at the first unit."""
    tiers = (Tier(0, line.tiers[tier].price_pence), *line.tiers[tier + 1 :])
    return replace(line, min_units=0, tiers=tiers)


def _revised(  # noqa: PLR0917 - who stands, who accepted, who refused and who left are all of what changes
    market: Market,
    eligible: Pairs,
    standing: Mapping[str, Assignment],
    ceilings: Collection[str],
    rows: Mapping[str, Assignment],
    refused: Collection[str],
    left: Collection[str],
) -> Market:
    """The market of a rematch: pairs stated one by one, ceilings as budgets, the standing first."""
    freed = [need for need in market.needs if need.id not in standing and need.id not in left]
    above_all = 1 + sum(need.priority for need in freed)
    needs: list[Need] = []
    for need in market.needs:
        if need.id in left:
            continue
        if need.id in standing:
            budget = standing[need.id].charge_pence if need.id in ceilings else need.budget_pence
            # Who keeps a place keeps it whatever the current provider was: the proposal has been accepted.
            needs.append(replace(need, priority=above_all, budget_pence=budget, keep_provider=False))
        else:
            needs.append(need)
    stated = {(pair.need, pair.offer): pair for pair in market.pairs or ()}
    pairs = []
    for need_at, offer_at, extra in zip(eligible.need, eligible.offer, eligible.extra_pence, strict=True):
        name, offer = market.needs[need_at].id, market.offers[offer_at]
        if name in left or (name in standing and standing[name].offer != offer.id):
            continue
        if name in refused and market.offer_by_id[rows[name].offer].provider == offer.provider:
            continue
        pairs.append(stated.get((name, offer.id)) or Pair(name, offer.id, int(extra)))
    return replace(market, needs=tuple(needs), pairs=tuple(pairs))


def _told(
    market: Market,
    after: Outcome,
    standing: Mapping[str, Assignment],
    ceilings: Collection[str],
    shortfalls: tuple[Shortfall, ...],
) -> Rematch:
    """Say who was kept, placed and displaced."""
    now = {row.need: row for row in after.assignments}
    rules: dict[str, set[str]] = {}
    for short in shortfalls:
        if not short.waived:
            rules.setdefault(short.offer, set()).add(short.rule)
    kept, displaced = [], []
    for name, row in sorted(standing.items()):
        found = now.get(name)
        same = found is not None and found.offer == row.offer
        if found is not None and same and (name not in ceilings or found.charge_pence <= row.charge_pence):
            kept.append(name)
            continue
        displaced.append(
            Displaced(
                need=name,
                offer_before=row.offer,
                offer_after=None if found is None else found.offer,
                charge_before_pence=row.charge_pence,
                charge_after_pence=None if found is None else found.charge_pence,
                rules=tuple(sorted(rules.get(row.offer, ()))),
            )
        )
    placed = sorted(name for name in now if name not in standing)
    return Rematch(market, after, tuple(kept), tuple(placed), tuple(displaced), shortfalls)
