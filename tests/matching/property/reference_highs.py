"""A second solver, with a formulation of its own: market/1 on stdin, the two levels' values on stdout.

It runs in a process of its own, because its library and the engine's cannot be loaded together, and knows only the
document. The model is the flat one: a binary for each need, offer and tier, a binary for each offer and tier, nothing
clever; the two levels are two solves. Only for markets of a few thousand columns.
"""

import json
import sys
from collections import defaultdict
from itertools import pairwise
from math import inf, isqrt
from typing import Any

import highspy
import numpy as np

Document = dict[str, Any]


class Model:
    """Columns and rows of a mixed-integer program, gathered one by one."""

    def __init__(self) -> None:
        self.columns = 0
        self.rows: list[tuple[float, float, dict[int, float]]] = []

    def binary(self) -> int:
        """One more 0/1 column."""
        self.columns += 1
        return self.columns - 1

    def row(self, low: float, high: float, terms: dict[int, float]) -> None:
        """One more row: low <= sum of coefficient x column <= high."""
        self.rows.append((low, high, terms))

    def least(self, cost: dict[int, float]) -> tuple[int, list[int]]:
        """Minimise to the end; the value and the columns, both rounded to whole numbers."""
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = self.columns, len(self.rows)
        lp.col_cost_ = np.array([cost.get(column, 0.0) for column in range(self.columns)])
        lp.col_lower_, lp.col_upper_ = np.zeros(self.columns), np.ones(self.columns)
        lp.integrality_ = [highspy.HighsVarType.kInteger] * self.columns
        lp.row_lower_ = np.array([low for low, _, _ in self.rows])
        lp.row_upper_ = np.array([high for _, high, _ in self.rows])
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = np.cumsum([0, *(len(terms) for _, _, terms in self.rows)])
        lp.a_matrix_.index_ = np.array([column for _, _, terms in self.rows for column in terms], dtype=np.int32)
        lp.a_matrix_.value_ = np.array([float(value) for _, _, terms in self.rows for value in terms.values()])
        solver = highspy.Highs()
        solver.setOptionValue("output_flag", False)
        solver.setOptionValue("threads", 1)
        solver.setOptionValue("mip_rel_gap", 0.0)
        solver.setOptionValue("mip_abs_gap", 0.9)
        solver.setOptionValue("mip_feasibility_tolerance", 1e-9)
        solver.passModel(lp)
        solver.run()
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            raise SystemExit(f"the reference ended as {solver.getModelStatus()}")
        columns = [round(value) for value in solver.getSolution().col_value]
        return round(sum(cost.get(column, 0.0) * value for column, value in enumerate(columns))), columns


def refuses(need: Document, offer: Document, bundle: Document) -> bool:
    """Say whether a rule on the pair keeps them apart."""
    metres = None
    if "easting_m" in need and "easting_m" in offer:
        east, north = need["easting_m"] - offer["easting_m"], need["northing_m"] - offer["northing_m"]
        metres = isqrt(east * east + north * north)
    reach = min(need.get("max_distance_m", inf), offer.get("max_distance_m", inf))
    days, patience = offer.get("first_appointment_days", inf), need.get("max_wait_days", inf)
    return (
        (metres is None and "max_distance_m" in need)
        or (metres is not None and metres > reach)
        or offer["grade"] < max(need["min_grade"], bundle["min_grade"])
        or any(word not in offer["attributes"] for word in need["requires"])
        or offer["provider"] in need["excludes"]
        or (patience < inf and days > patience)
    )


def extras(need: Document, offer: Document, policy: Document) -> int:
    """Everything of a pair's cost that is not its price."""
    weight = policy | need["weights"]
    cost = (policy["best_grade"] - offer["grade"]) * weight["pence_per_quality_grade"] * need["units"]
    cost += offer.get("first_appointment_days", 0) * weight["pence_per_wait_day"]
    if "easting_m" in need and "easting_m" in offer:
        east, north = need["easting_m"] - offer["easting_m"], need["northing_m"] - offer["northing_m"]
        cost += isqrt(east * east + north * north) * weight["pence_per_km"] * need["units"] // 1000
    if need.get("current_provider", offer["provider"]) != offer["provider"]:
        cost += weight["pence_per_change"]
    return cost


class Flat:
    """The flat model of a market."""

    def __init__(self, market: Document) -> None:
        self.market, self.model = market, Model()
        self.bundles = {bundle["id"]: bundle for bundle in market["bundles"]}
        self.needs = {need["id"]: need for need in market["needs"]}
        self.offers = {offer["id"]: offer for offer in market["offers"]}
        self.pooled = market["policy"]["pooling"] == "shared_pool"
        listed = market.get("pairs")
        self.pairs = None if listed is None else {(pair["need"], pair["offer"]): pair for pair in listed}
        self.use: dict[tuple[str, int], int] = {}
        self.assign: dict[tuple[str, str, int], int] = {}
        self.price: dict[int, int] = {}
        self.cost: dict[int, float] = {}
        for offer in market["offers"]:
            for tier in range(len(offer["lines"][0]["tiers"])):
                self._columns(offer, tier)
        self._needs_rows()
        for offer in market["offers"]:
            self._offer_rows(offer)
        self._provider_rows()
        for bundle in market["bundles"]:
            self._bundle_rows(bundle)
        if self.pooled:
            terms = {
                column: self.needs[n]["budget_pence"] - self.price[column] for (n, _, _), column in self.assign.items()
            }
            fees = {column: -self.offers[o]["fee_pence"] for (o, _), column in self.use.items()}
            self.model.row(0, inf, terms | fees)

    def _columns(self, offer: Document, tier: int) -> None:
        use = self.use[offer["id"], tier] = self.model.binary()
        self.cost[use] = offer["fee_pence"]
        tier_price = {line["bundle"]: line["tiers"][tier]["price_pence"] for line in offer["lines"]}
        for need in self.market["needs"]:
            if need["bundle"] not in tier_price or (
                need["keep_provider"] and need["current_provider"] != offer["provider"]
            ):
                continue
            pair: Document | None = {}
            if self.pairs is not None:
                pair = self.pairs.get((need["id"], offer["id"]))
            elif refuses(need, offer, self.bundles[need["bundle"]]):
                pair = None
            if pair is None:
                continue
            price = pair.get("price_pence", tier_price[need["bundle"]] * need["units"])
            if not self.pooled and price > need["budget_pence"]:
                continue
            column = self.assign[need["id"], offer["id"], tier] = self.model.binary()
            self.price[column] = price
            self.cost[column] = price + extras(need, offer, self.market["policy"]) + pair.get("extra_cost_pence", 0)
            self.model.row(-inf, 0, {column: 1, use: -1})

    def _needs_rows(self) -> None:
        by_need: dict[str, dict[int, float]] = defaultdict(dict)
        for (need, _, _), column in self.assign.items():
            by_need[need][column] = 1
        for terms in by_need.values():
            self.model.row(-inf, 1, terms)

    def _units(self, **wanted: object) -> dict[int, float]:
        """Units assigned, by column: of an offer, a tier, a bundle, a provider."""
        terms: dict[int, float] = {}
        for (need, offer, tier), column in self.assign.items():
            facts = {"offer": offer, "tier": tier, "bundle": self.needs[need]["bundle"]}
            facts["provider"] = self.offers[offer]["provider"]
            if all(facts[name] == value for name, value in wanted.items()):
                terms[column] = self.needs[need]["units"]
        return terms

    def _offer_rows(self, offer: Document) -> None:
        name = offer["id"]
        starts = [tier["from_units"] for tier in offer["lines"][0]["tiers"]] + [inf]
        most = min(offer.get("max_units", inf), sum(need["units"] for need in self.market["needs"]))
        self.model.row(-inf, 1, {self.use[name, tier]: 1 for tier in range(len(starts) - 1)})
        for tier, (start, end) in enumerate(pairwise(starts)):
            units, use = self._units(offer=name, tier=tier), self.use[name, tier]
            self.model.row(0, inf, units | {use: -max(1, start, offer["min_units"])})
            self.model.row(-inf, 0, units | {use: -min(most, end - 1)})
            for line in offer["lines"]:
                here = self._units(offer=name, tier=tier, bundle=line["bundle"])
                self.model.row(0, inf, here | {use: -line["min_units"]})
                if "max_units" in line:
                    self.model.row(-inf, 0, here | {use: -line["max_units"]})
            if not self.pooled:
                room = {
                    column: self.needs[n]["budget_pence"] - self.price[column]
                    for (n, o, t), column in self.assign.items()
                    if (o, t) == (name, tier)
                }
                self.model.row(0, inf, room | {use: -offer["fee_pence"]})

    def _provider_rows(self) -> None:
        for provider in self.market["providers"]:
            if "max_units" in provider:
                self.model.row(-inf, provider["max_units"], self._units(provider=provider["id"]))
        groups: dict[str, dict[int, float]] = defaultdict(dict)
        for (name, _), column in self.use.items():
            if "exclusive" in self.offers[name]:
                groups[self.offers[name]["exclusive"]][column] = 1
        for terms in groups.values():
            self.model.row(-inf, 1, terms)

    def _bundle_rows(self, bundle: Document) -> None:
        name = bundle["id"]
        units = self._units(bundle=name)
        if not units:
            return
        active = self.model.binary()
        for column in units:
            self.model.row(-inf, 0, {column: 1, active: -1})
        serves: dict[int, float] = {}
        for provider in self.market["providers"]:
            own = self._units(bundle=name, provider=provider["id"])
            if not own:
                continue
            present = self.model.binary()
            serves[present] = 1
            for column in own:
                self.model.row(-inf, 0, {column: 1, present: -1})
            self.model.row(0, inf, dict.fromkeys(own, 1) | {present: -1})
            if "max_share_permille" in bundle:
                limit = bundle["max_share_permille"]
                terms = {column: 1000 * (column in own) * size - limit * size for column, size in units.items()}
                self.model.row(-inf, 0, terms)
        self.model.row(0, inf, serves | {active: -bundle["min_providers"]})
        if "max_providers" in bundle:
            self.model.row(-inf, bundle["max_providers"], serves)
        grades = {column: self.offers[offer]["grade"] for (_, offer, _), column in self.assign.items()}
        target = bundle["target_grade_permille"]
        self.model.row(0, inf, {column: size * (1000 * grades[column] - target) for column, size in units.items()})

    def solve(self) -> Document:
        """Both levels, or with `reserve` the one."""
        priority = {column: self.needs[need]["priority"] for (need, _, _), column in self.assign.items()}
        if self.market["policy"]["unmatched"] == "reserve":
            saved = {
                column: self.cost[column] - self.needs[n]["reserve_pence"] for (n, _, _), column in self.assign.items()
            }
            value, columns = self.model.least(self.cost | saved)
            value += sum(need["reserve_pence"] for need in self.market["needs"])
            coverage = sum(weight * columns[column] for column, weight in priority.items())
            return {"coverage": coverage, "effective_cost": value}
        coverage, _ = self.model.least({column: -weight for column, weight in priority.items()})
        self.model.row(-coverage, inf, priority)
        value, _ = self.model.least(self.cost)
        return {"coverage": -coverage, "effective_cost": value}


if __name__ == "__main__":
    print(json.dumps(Flat(json.load(sys.stdin)).solve()))  # noqa: T201 - the answer goes to the process that asked
