"""What everybody pays, recomputed to the penny: prices and cost parts, fee shares, charges, what the pool moved.

The rounding rules are the specification's: exact fractions, rounded down, and the pennies that are then missing go to
the largest fractions, ties in order of need id. Fractions are compared as whole numbers over a common denominator.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from matching.verify_view import PARTS, Finding, Served, View


@dataclass(frozen=True, slots=True)
class _Bill:
    """What one served need owes before and after the pool."""

    served: Served
    fee_share_pence: int
    pool_pence: int

    @property
    def charge_pence(self) -> int:
        return self.served.price_pence + self.fee_share_pence + self.pool_pence


def charge_findings(view: View) -> Iterator[Finding]:
    """Everything wrong with the money of the assignments."""
    for served in view.served:
        yield from _part_findings(view, served)
    if view.market.policy.pooling == "own_budget":
        yield from _own_budget(view)
    yield from _budget_findings(view)
    bills = _pooled_bills(view) if view.market.policy.pooling == "shared_pool" else _own_bills(view)
    for bill in bills:
        yield from _bill_findings(bill)
    yield from _sum_findings(view)


def _part_findings(view: View, served: Served) -> Iterator[Finding]:
    """Price and the other parts of the pair's cost."""
    parts = view.cost_parts(served)
    for name in PARTS:
        stated = getattr(served.row, f"{name}_pence")
        if stated != parts[name]:
            code = "price" if name == "price" else "cost_part"
            message = f"need {served.need.id} with offer {served.offer.id}: {name} is {parts[name]} pence, not {stated}"
            facts = {"need": served.need.id, "offer": served.offer.id, "stated": stated, "recomputed": parts[name]}
            yield Finding(code, f"{served.place}.{name}_pence", message, facts)


def _own_budget(view: View) -> Iterator[Finding]:
    """own_budget and fee_cover: nobody's price above their budget, every fee within the headroom of those it serves."""
    for served in view.served:
        if served.price_pence > served.need.budget_pence:
            message = (
                f"need {served.need.id} costs {served.price_pence} pence with offer {served.offer.id}, "
                f"its budget is {served.need.budget_pence}"
            )
            facts = {"need": served.need.id, "price_pence": served.price_pence, "limit": served.need.budget_pence}
            yield Finding("own_budget", f"{served.place}.price_pence", message, facts)
    for name in view.offers_in_use:
        fee_pence = view.market.offer_by_id[name].fee_pence
        headroom = sum(_headroom(served) for served in view.served_by_offer.get(name, []))
        if fee_pence > headroom:
            message = f"offer {name} has a fee of {fee_pence} pence, those it serves have {headroom} left for it"
            facts = {"offer": name, "fee_pence": fee_pence, "headroom_pence": headroom}
            yield Finding("fee_cover", view.offer_place(name), message, facts)


def _headroom(served: Served) -> int:
    return max(0, served.need.budget_pence - served.price_pence)


def _budget_findings(view: View) -> Iterator[Finding]:
    """The promise under either pooling rule: no charge above the patient's own budget, and none below nothing."""
    for served in view.served:
        charge, budget = served.row.charge_pence, served.need.budget_pence
        facts = {"need": served.need.id, "charge_pence": charge, "budget_pence": budget}
        if charge > budget:
            message = f"need {served.need.id} is charged {charge} pence, its budget is {budget}"
            yield Finding("above_budget", f"{served.place}.charge_pence", message, facts)
        if charge < 0:
            message = f"need {served.need.id} is charged {charge} pence, below nothing"
            yield Finding("charge", f"{served.place}.charge_pence", message, facts)


def _own_bills(view: View) -> Iterator[_Bill]:
    """own_budget: each fee by units, nobody above headroom; nothing moves between patients."""
    for name in view.offers_in_use:
        served = view.served_by_offer.get(name, [])
        fee_pence = view.market.offer_by_id[name].fee_pence
        caps = [_headroom(each) for each in served]
        if fee_pence > sum(caps):
            continue  # fee_cover has been found; there is no right share to compare with
        shares = _capped_shares(fee_pence, [each.need.units for each in served], caps)
        for each, share in zip(served, shares, strict=True):
            yield _Bill(each, share, 0)


def _pooled_bills(view: View) -> Iterator[_Bill]:
    """shared_pool: fees by units alone; what is above a budget is carried by those with room, in proportion to it."""
    rows: list[tuple[Served, int]] = []
    for name in view.offers_in_use:
        group = view.served_by_offer.get(name, [])
        fee_pence = view.market.offer_by_id[name].fee_pence
        if group:
            rows.extend(zip(group, _shares(fee_pence, [each.need.units for each in group]), strict=True))
    rows.sort(key=lambda row: row[0].need.id)
    bills = [served.price_pence + share for served, share in rows]
    budgets = [served.need.budget_pence for served, _ in rows]
    owed = sum(max(0, bill - budget) for bill, budget in zip(bills, budgets, strict=True))
    room = [max(0, budget - bill) for bill, budget in zip(bills, budgets, strict=True)]
    if owed > sum(room):
        return  # shared_pool has been found; nobody could carry it
    carried = _shares(owed, room) if owed else [0] * len(rows)
    for (served, share), bill, budget, more in zip(rows, bills, budgets, carried, strict=True):
        yield _Bill(served, share, min(bill, budget) + more - bill)


def _bill_findings(bill: _Bill) -> Iterator[Finding]:
    row = bill.served.row
    figures = (
        ("fee_share", "fee_share_pence", row.fee_share_pence, bill.fee_share_pence),
        ("pool", "pool_pence", row.pool_pence, bill.pool_pence),
        ("charge", "charge_pence", row.charge_pence, bill.charge_pence),
    )
    for code, name, stated, recomputed in figures:
        if stated != recomputed:
            message = f"need {row.need}: {name} is {recomputed}, not {stated}"
            facts = {"need": row.need, "offer": row.offer, "stated": stated, "recomputed": recomputed}
            yield Finding(code, f"{bill.served.place}.{name}", message, facts)


def _sum_findings(view: View) -> Iterator[Finding]:
    """What patients pay is what providers get, and the pool gives what it takes."""
    rows = view.outcome.assignments
    charged = sum(row.charge_pence for row in rows)
    spent = sum(award.spend_pence for award in view.outcome.awards)
    if charged != spent:
        message = f"all charges are {charged} pence, all awards {spent}"
        yield Finding("charges_sum", "assignments", message, {"charged_pence": charged, "spent_pence": spent})
    pooled = sum(row.pool_pence for row in rows)
    if pooled:
        message = f"the pool's gifts and takings differ by {pooled} pence"
        yield Finding("charges_sum", "assignments", message, {"pool_pence": pooled})


def _shares(total: int, weights: Sequence[int]) -> list[int]:
    """Share a total in proportion to weights, to the penny; earlier positions win ties.

    total x weight / sum of weights, rounded down; the fractions are compared by their remainders.
    """
    whole = sum(weights)
    shares = [total * weight // whole for weight in weights]
    remainders = [total * weight % whole for weight in weights]
    missing = total - sum(shares)
    for position in sorted(range(len(weights)), key=lambda place: (-remainders[place], place))[:missing]:
        shares[position] += 1
    return shares


def _capped_shares(total: int, weights: Sequence[int], caps: Sequence[int]) -> list[int]:
    """Share a total in proportion to weights, nobody above their cap, to the penny.

    The exact shares are min(cap, level x weight) at the one level where they add up to the total. Whoever has the
    smallest cap per weight is full first, so one pass in that order finds who is capped. The others then share the
    rest in proportion to weights, and no penny of it can lift them above a cap: it is whole, and they are below it.
    """
    shares = [0] * len(weights)
    left, weight_left = total, sum(weights)
    if all(cap * weight_left >= left * weight for cap, weight in zip(caps, weights, strict=True)):
        return _shares(total, weights)
    order = sorted(range(len(weights)), key=lambda place: (Fraction(caps[place], weights[place]), place))
    for rank, position in enumerate(order):
        if caps[position] * weight_left >= left * weights[position]:
            uncapped = sorted(order[rank:])
            rest = _shares(left, [weights[place] for place in uncapped])
            for place, share in zip(uncapped, rest, strict=True):
                shares[place] = share
            break
        shares[position] = caps[position]
        left -= caps[position]
        weight_left -= weights[position]
    return shares
