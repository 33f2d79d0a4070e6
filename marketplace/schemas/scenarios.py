"""What a broker asks about a result: which rules and offers to leave out, which weights and budgets to change."""

from typing import Any

from marshmallow import Schema, fields, post_load

from marketplace.rules.tendering import MOST_IN_POLICY

from .fields import Pounds, Whole

_WEIGHTS = ("pence_per_quality_grade", "pence_per_km", "pence_per_wait_day", "pence_per_change")


class ScenarioSchema(Schema):
    """One comparison. Loads into the arguments of `journey.studies.Asked`; what is left empty stays as published."""

    without_rules = fields.List(fields.String(), metadata={"title": "Leave out one rule at a time"})
    without_offers = fields.List(fields.String(), metadata={"title": "Leave out one offer at a time"})
    pence_per_quality_grade = Pounds(
        most_pence=MOST_IN_POLICY, like="3.00", load_default=None, metadata={"title": "One grade of quality, per unit"}
    )
    pence_per_km = Pounds(
        most_pence=MOST_IN_POLICY,
        like="0.30",
        load_default=None,
        metadata={"title": "One kilometre of travel, per unit"},
    )
    pence_per_wait_day = Pounds(
        most_pence=MOST_IN_POLICY, like="0.50", load_default=None, metadata={"title": "One day of waiting"}
    )
    pence_per_change = Pounds(
        most_pence=MOST_IN_POLICY, like="20.00", load_default=None, metadata={"title": "A change of provider, once"}
    )
    budgets_percent = Whole(
        10,
        500,
        load_default=None,
        metadata={"title": "Budgets, as a percentage of what they are", "x-suffix": "%"},
    )
    pooling = fields.List(fields.String(), metadata={"title": "Who may pay for whom"})

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Gather the weights."""
        weights = [(name, data.pop(name)) for name in _WEIGHTS]
        return {
            "without_rules": tuple(data.get("without_rules", ())),
            "without_offers": tuple(data.get("without_offers", ())),
            "weights_pence": tuple((name, value) for name, value in weights if value is not None),
            "budgets_permille": 10 * (data["budgets_percent"] or 100),
            "pooling": next(iter(data.get("pooling", ())), None),
        }
