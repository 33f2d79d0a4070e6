"""The smallest single change that would have made the difference, found and proven by re-solving.

    explain -> need_changes:   how much further, more budget, a lower grade or which attribute less would match a need
    explain -> offer_changes:  how much lower a price or how many more units would bring an offer into use

Each question is a family of markets, one for each size of the change, and each size is asked of the model: is there an
outcome that is better than the present one and does what was asked? If yes, that outcome is a witness, and how little
change *it* needs is computed in whole numbers; then the next smaller size is asked, until the answer is a proven no.
"Better" is the published objective's: more coverage, or the same at less cost.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter

import numpy as np

from matching.components import parts_of
from matching.eligibility import Ints
from matching.formulation import Model, model_of
from matching.levels import program_of
from matching.market import Market, Need, Offer, Tier
from matching.mip import Answer, Effort, Program, solve_program
from matching.outcome import Outcome
from matching.solve import prepare

NEED_KINDS = 4
"""Distance, grade, attribute, budget: each has its share of the seconds."""
Plan = dict[str, str]
"""Which offer each matched need has."""


@dataclass(frozen=True)
class Change:
    """One single change: `kind`, the figure as it is and as it would have to be (`attribute`: the one to give up).

    `offer` is who would serve the need, or the offer in question. `proven_smallest` is False where the time ran out
    before the next smaller change was proven to be too little.
    """

    kind: str
    offer: str
    now: int | str | None
    needed: int | str | None
    proven_smallest: bool


@dataclass(frozen=True)
class Question:
    """A family of markets by size of the change, and whom it is about: a need or an offer (positions)."""

    market: Market
    outcome: Outcome
    changed: Callable[[int], Market]
    need: str | None
    offer: str | None
    deadline: float


def need_changes(market: Market, outcome: Outcome, need: Need, seconds: float) -> list[Change]:
    """The smallest change of each kind that would have matched a need, confirmed by re-solving."""
    share = seconds / NEED_KINDS
    found: list[Change] = []

    def ask(changed: Callable[[Need, int], Need], least: int, most: int) -> tuple[int, Plan, bool] | None:
        deadline = perf_counter() + share
        question = Question(
            market, outcome, lambda size: _with_need(market, changed(need, size)), need.id, None, deadline
        )
        return smallest(question, least, most)

    if market.pairs is None:
        if need.max_distance_m is not None:
            answer = ask(lambda one, size: replace(one, max_distance_m=size), need.max_distance_m, _farthest_m(market))
            if answer is not None:
                found.append(Change("distance", answer[1][need.id], need.max_distance_m, answer[0], answer[2]))
        answer = ask(lambda one, size: replace(one, min_grade=need.min_grade - size), 0, need.min_grade)
        if answer is not None:
            lower = need.min_grade - answer[0]
            found.append(Change("grade", answer[1][need.id], need.min_grade, lower, answer[2]))
        for attribute in need.requires:
            rest = tuple(name for name in need.requires if name != attribute)
            answer = ask(partial(_requiring, rest), 0, 1)
            if answer is not None:
                found.append(Change("attribute", answer[1][need.id], attribute, None, proven_smallest=True))
                break
    answer = ask(lambda one, size: replace(one, budget_pence=size), need.budget_pence, _dearest_pence(market, need))
    if answer is not None:
        found.append(Change("budget", answer[1][need.id], need.budget_pence, answer[0], answer[2]))
    return found


def _requiring(attributes: tuple[str, ...], need: Need, size: int) -> Need:
    """The need with other demands, whatever the size of the change: an attribute is given up whole."""
    return replace(need, requires=attributes) if size else need


def offer_changes(market: Market, outcome: Outcome, offer: Offer, seconds: float) -> list[Change]:
    """By how much lower a unit price (in all bands alike) or how many more units an offer would have been used."""
    deadline = perf_counter() + seconds * (1 if offer.max_units is None else 0.6)
    found: list[Change] = []
    cheaper = Question(
        market, outcome, lambda size: _with_offer(market, _cheaper(offer, size)), None, offer.id, deadline
    )
    highest = max(tier.price_pence for line in offer.lines for tier in line.tiers)
    answer = smallest(cheaper, 0, highest)
    if answer is not None:
        found.append(Change("price", offer.id, 0, answer[0], answer[2]))
    if offer.max_units is not None:
        deadline = perf_counter() + seconds * 0.4
        larger = Question(
            market, outcome, lambda size: _with_offer(market, replace(offer, max_units=size)), None, offer.id, deadline
        )
        everything = sum(need.units for need in market.needs)
        answer = smallest(larger, offer.max_units, max(everything, offer.max_units + 1))
        if answer is not None:
            found.append(Change("capacity", offer.id, offer.max_units, answer[0], answer[2]))
    return found


def smallest(question: Question, too_little: int, most: int) -> tuple[int, Plan, bool] | None:
    """The smallest size in (too_little, most] with a witness; the witness; whether smaller is proven to fail."""
    if most <= too_little:
        return None
    question = _narrowed(question, most)
    witness, settled = witness_of(question, most)
    if witness is None:
        return None
    least = _tightened(question, witness, too_little, most)
    proven, probe = True, least - 1
    while probe > too_little:
        if perf_counter() > question.deadline:
            return least, witness, False
        better, settled = witness_of(question, probe)
        if better is not None:
            witness = better
            least = _tightened(question, witness, too_little, probe)
        else:
            too_little, proven = probe, proven and settled
        if least - 1 == too_little:
            break
        probe = least - 1 if better is not None and least - 1 > too_little else (too_little + least) // 2
    return least, witness, proven


def witness_of(question: Question, size: int) -> tuple[Plan | None, bool]:
    """An outcome of the changed market that is better and does what was asked; and whether a no is proven.

    Three steps, the quickest first: the need joins an offer and nobody else moves; the offers in use stay as they are
    and needs move; everything may move. Only the last one can prove a no.
    """
    model, base = _model_at(question, size)
    if model is None:
        return None, True
    for plan in _insertions(question, model):
        if accepts(question, model, base, plan):
            return plan, True
    settled = True
    present = model.values_of(_choice(model, question.outcome.offer_of()))
    for program in _programs(question, model, base):
        answer: Answer | None = None
        for share, attempt in ((0.5, _tiers_held(question, model, program, present)), (1.0, program)):
            seconds = (question.deadline - perf_counter()) * share
            answer = solve_program(attempt, Effort(relative_gap=1.0, absolute_gap=1e12, seconds=seconds))
            if answer.values is None:
                continue
            plan = _plan_of(model, np.flatnonzero(answer.values[: len(model.part.pair_need)] > 0.5))
            if accepts(question, model, base, plan):
                return plan, True
        settled = settled and answer is not None and answer.infeasible
    return None, settled


def _insertions(question: Question, model: Model) -> Iterator[Plan]:
    """The present outcome with the need added to each offer that it could now have."""
    part = model.part
    if question.need is None:
        return
    for pair, need in enumerate(part.pair_need.tolist()):
        if part.market.needs[part.need_at[need]].id == question.need:
            plan = _inside(model, question.outcome.offer_of())
            yield {**plan, question.need: part.offers[part.pair_offer[pair]].id}


def _inside(model: Model, plan: Plan) -> Plan:
    needs = {model.part.market.needs[at].id for at in model.part.need_at}
    return {need: offer for need, offer in plan.items() if need in needs}


def _tiers_held(question: Question, model: Model, program: Program, present: Ints) -> Program:
    """The program with every offer but the one in question held at its present tier, or out of use."""
    held = model.columns.use
    if question.offer is not None:
        names = [model.part.offers[offer].id for offer in model.part.slot_offer]
        held = held[[name != question.offer for name in names]]
    lower, upper = program.lower.copy(), program.upper.copy()
    lower[held] = upper[held] = present[held]
    return replace(program, lower=lower, upper=upper)


def _choice(model: Model, plan: Plan) -> Ints:
    """A plan as a choice of the model, where its pairs exist."""
    choice = np.full(len(model.part.need_at), -1)
    needs = [model.part.market.needs[at].id for at in model.part.need_at]
    offers = [offer.id for offer in model.part.offers]
    columns = zip(model.part.pair_need.tolist(), model.part.pair_offer.tolist(), strict=True)
    for pair, (need, offer) in enumerate(columns):
        if plan.get(needs[need]) == offers[offer]:
            choice[need] = pair
    return choice


def accepts(question: Question, model: Model, base: tuple[int, int], plan: Plan) -> bool:
    """Check a witness in whole numbers: every rule kept, better than before, and it does what was asked."""
    choice = _choice(model, plan)
    values = model.values_of(choice)
    if model.broken(values) or int((choice >= 0).sum()) < len(plan):
        return False
    asked = question.need in plan if question.need is not None else question.offer in plan.values()
    coverage = int(model.coverage @ values)
    cost = int(model.cost_pence @ values)
    if question.market.policy.unmatched == "reserve":
        return asked and cost < base[1]
    if question.need is not None:
        return asked and coverage > base[0]
    return asked and (coverage > base[0] or (coverage == base[0] and cost < base[1]))


def _tightened(question: Question, plan: Plan, too_little: int, enough: int) -> int:
    """The smallest size at which this witness still counts: halving, with a check in whole numbers each time."""
    while enough - too_little > 1:
        middle = (too_little + enough) // 2
        model, base = _model_at(question, middle)
        if model is not None and accepts(question, model, base, plan):
            enough = middle
        else:
            too_little = middle
    return enough


def _narrowed(question: Question, most: int) -> Question:
    """The question asked of one island only: with the largest change, who hangs together with whom it is about."""
    market = question.changed(most)
    prepared = prepare(market)
    pooled = market.policy.pooling == "shared_pool"
    for part in parts_of(market, prepared.pairs, prepared.links, pooled=pooled):
        needs = {market.needs[at].id for at in part.need_at}
        offers = {offer.id for offer in part.offers}
        if question.need in needs or question.offer in offers:
            return replace(question, changed=partial(_changed_inside, question, needs, offers))
    return question


def _changed_inside(question: Question, needs: set[str], offers: set[str], size: int) -> Market:
    return _only(question.changed(size), needs, offers)


def _only(market: Market, needs: set[str], offers: set[str]) -> Market:
    """A market without everybody else."""
    return replace(
        market,
        needs=tuple(need for need in market.needs if need.id in needs),
        offers=tuple(offer for offer in market.offers if offer.id in offers),
        pairs=market.pairs and tuple(pair for pair in market.pairs if pair.need in needs and pair.offer in offers),
    )


def _model_at(question: Question, size: int) -> tuple[Model | None, tuple[int, int]]:
    """The changed market as one model, and what the present outcome is worth there: (coverage, cost)."""
    market = question.changed(size)
    prepared = prepare(market)
    parts = parts_of(market, prepared.pairs, prepared.links, pooled=True)
    return (model_of(parts[0]) if parts else None), _worth(question, {need.id for need in market.needs})


def _worth(question: Question, needs: set[str]) -> tuple[int, int]:
    """Coverage and cost of the present outcome over some needs, as it was priced; reserves as what they save."""
    market = question.market
    rows = [row for row in question.outcome.assignments if row.need in needs]
    fees = sum(market.offer_by_id[offer].fee_pence for offer in {row.offer for row in rows})
    cost = fees + sum(
        row.price_pence + row.quality_pence + row.travel_pence + row.change_pence + row.wait_pence + row.extra_pence
        for row in rows
    )
    if market.policy.unmatched == "reserve":
        cost -= sum(market.need_by_id[row.need].reserve_pence or 0 for row in rows)
    return sum(market.need_by_id[row.need].priority for row in rows), cost


def _programs(question: Question, model: Model, base: tuple[int, int]) -> Iterator[Program]:
    """What to ask of the solver: first more coverage, then the same at less cost."""
    part, program = model.part, program_of(model)
    asked = np.zeros_like(model.upper)
    if question.need is not None:
        at = next((i for i, need in enumerate(part.need_at) if part.market.needs[need].id == question.need), None)
        asked[: len(part.pair_need)] = part.pair_need == (-1 if at is None else at)
    else:
        ids = [offer.id for offer in part.offers]
        number = ids.index(question.offer) if question.offer in ids else -1
        asked[model.columns.use] = part.slot_offer == number
    if not asked.any():
        return
    program = program.with_row(asked, low=1)
    if part.market.policy.unmatched == "reserve":
        yield program.with_row(model.cost_pence, high=base[1] - 1)
        return
    if base[0] < int(part.need_priority.sum()):
        yield program.with_row(model.coverage, low=base[0] + 1)
    if question.need is None:
        yield program.with_row(model.coverage, low=base[0]).with_row(model.cost_pence, high=base[1] - 1)


def _plan_of(model: Model, pairs: Ints) -> Plan:
    part = model.part
    return {
        part.market.needs[part.need_at[part.pair_need[pair]]].id: part.offers[part.pair_offer[pair]].id
        for pair in pairs.tolist()
    }


def _with_need(market: Market, need: Need) -> Market:
    return replace(market, needs=tuple(need if one.id == need.id else one for one in market.needs))


def _with_offer(market: Market, offer: Offer) -> Market:
    return replace(market, offers=tuple(offer if one.id == offer.id else one for one in market.offers))


def _cheaper(offer: Offer, pence: int) -> Offer:
    """The offer with every unit price lower by so many pence, at least 0."""
    lines = tuple(
        replace(line, tiers=tuple(Tier(tier.from_units, max(0, tier.price_pence - pence)) for tier in line.tiers))
        for line in offer.lines
    )
    return replace(offer, lines=lines)


def _farthest_m(market: Market) -> int:
    """No way within the market is longer."""
    everybody: list[Need | Offer] = [*market.needs, *market.offers]
    placed = [one for one in everybody if one.easting_m is not None]
    if not placed:
        return 0
    east = [one.easting_m or 0 for one in placed]
    north = [one.northing_m or 0 for one in placed]
    return max(east) - min(east) + max(north) - min(north) + 1


def _dearest_pence(market: Market, need: Need) -> int:
    """A budget with which the need could pay any offer on its bundle and that offer's fee alone."""
    most = need.budget_pence
    for offer in market.offers:
        for line in offer.lines:
            if line.bundle == need.bundle:
                most = max(most, max(tier.price_pence for tier in line.tiers) * need.units + offer.fee_pence)
    stated = [pair.price_pence or 0 for pair in market.pairs or () if pair.need == need.id]
    return max([most, *(price + max(offer.fee_pence for offer in market.offers) for price in stated)])
