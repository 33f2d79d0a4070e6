"""What a budget may promise, who stands behind it, when its plan is reviewed, and what its commissioner decided.

`parties_of` is the one place that knows what notional, third party and direct payment mean for a contract and its
payments. `FundingRules` are a commissioner's own choices; where it has made none, these defaults hold.
"""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from .errors import Invalid, WrongState
from .money import MAX_PENCE, Pence, format_pounds
from .permissions import Role

MAX_UNITS = 10_000
"""More of one service than any care plan holds."""


class ManagedAs(StrEnum):
    """Who keeps the money: the funder, an organisation, or the patient."""

    NOTIONAL = "notional"
    THIRD_PARTY = "third_party"
    DIRECT_PAYMENT = "direct_payment"


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody who stands behind a contract, by role and id."""

    role: Role
    id: str


@dataclass(frozen=True, slots=True)
class Parties:
    """Who does what for a budget. The provider's counterpart in its contracts is also the one who pays them.

    Whoever holds the money, the care plan is approved by the commissioner and the care is agreed to by the patient.
    """

    approves: Party
    agrees: Party
    contract_party: Party
    payer: Party

    @property
    def must_countersign(self) -> bool:
        """Whether the contract's party signs each contract itself, beside patient and provider.

        A commissioner has said yes by approving the plan, a patient by signing; an organisation signs for itself.
        """
        return self.contract_party.role is Role.HOLDER


def parties_of(managed_as: ManagedAs, commissioner_id: str, patient_id: str, holder_id: str | None) -> Parties:
    """Who approves, agrees, is the contract's party and pays.

    =============== ============================ =====================
    managed as      the contract's party         who pays the provider
    =============== ============================ =====================
    notional        the commissioner             the commissioner
    third party     the organisation             the organisation
    direct payment  the patient                  the patient
    =============== ============================ =====================

    The money of a third party's budget for which no organisation is named yet is still with the commissioner.
    """
    commissioner, patient = Party(Role.COMMISSIONER, commissioner_id), Party(Role.PATIENT, patient_id)
    keeper = commissioner
    if managed_as is ManagedAs.DIRECT_PAYMENT:
        keeper = patient
    elif managed_as is ManagedAs.THIRD_PARTY and holder_id is not None:
        keeper = Party(Role.HOLDER, holder_id)
    return Parties(approves=commissioner, agrees=patient, contract_party=keeper, payer=keeper)


@dataclass(frozen=True, slots=True)
class FundingRules:
    """What a commissioner has decided for all budgets it funds, and for the brokers it has approved.

    A care plan is reviewed `first_review_months` after its approval, then every `review_months`. A broker's draft in
    which nothing was changed for `draft_days` is deleted, so that nobody's plan lines are kept waiting by it.

    Extra support goes to whoever has reached `support_from_age`, lives in an area of `support_to_decile` or below (1 is
    the most deprived tenth), cannot decide alone (where `support_capacity`), or has `support_conditions` or more
    (`support.grounds_of`). None, and no: that ground does not count. It gives `support_priority` in coverage,
    `support_answer_days` more to answer a match, and `support_supplement_pence` if there is any.
    """

    first_review_months: int = 3
    review_months: int = 12
    support_from_age: int | None = None
    support_to_decile: int | None = None
    support_capacity: bool = False
    support_conditions: int | None = None
    support_priority: int = 2
    support_answer_days: int = 7
    support_supplement_pence: Pence = 0
    draft_days: int = 60

    @property
    def most_answer_days(self) -> int:
        """How many more days anybody can have for an answer by these rules: none if no ground counts."""
        numbers = self.support_from_age, self.support_to_decile, self.support_conditions
        counts = self.support_capacity or any(number is not None for number in numbers)
        return self.support_answer_days if counts else 0


def check_funding_rules(rules: FundingRules) -> None:
    """Months, ages and amounts that mean something.

    Raises
    ------
    Invalid
        Naming the field.
    """
    bounds = {
        "first_review_months": (1, 24, rules.first_review_months),
        "review_months": (1, 24, rules.review_months),
        "support_from_age": (0, 120, rules.support_from_age or 0),
        "support_to_decile": (1, 10, 1 if rules.support_to_decile is None else rules.support_to_decile),
        "support_conditions": (1, 12, 1 if rules.support_conditions is None else rules.support_conditions),
        "support_priority": (1, 10, rules.support_priority),
        "support_answer_days": (0, 28, rules.support_answer_days),
        "support_supplement_pence": (0, MAX_PENCE, rules.support_supplement_pence),
        "draft_days": (7, 365, rules.draft_days),
    }
    for name, (least, most, value) in bounds.items():
        if type(value) is not int or not least <= value <= most:
            raise Invalid(
                "rule_out_of_range", f"Enter a whole number from {least} to {most}.", place=name, value=str(value)
            )


def months_after(day: date, months: int) -> date:
    """The same day of the month, so many months later; the month's last day where it is shorter."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def check_reason(reason: str, place: str = "reason", what: str = "the reason") -> str:
    """Money is given or taken outside the ordinary course with a written reason; returns it without stray spaces.

    The patient reads what a review found too: `place` and `what` are for that.

    Raises
    ------
    Invalid
        If there is none to speak of.
    """
    text = reason.strip()
    if len(text) < 10:
        raise Invalid("reason_missing", f"Write {what} in a sentence: the patient will read it.", place=place)
    return text


def check_budget(valid_from: date, valid_to: date, amount_pence: Pence, line_pence: Sequence[Pence]) -> None:
    """A budget has a period, and the lines of its care plan do not ask for more than it holds.

    Raises
    ------
    Invalid
        Naming the field that is wrong.
    """
    if valid_from > valid_to:
        raise Invalid("period_out_of_order", "The budget must end after it begins.", place="valid_to")
    if amount_pence <= 0:
        raise Invalid("amount_out_of_range", "Enter an amount above nothing.", place="amount_pence")
    check_planned(sum(line_pence), amount_pence)


def check_planned(planned_pence: Pence, amount_pence: Pence) -> None:
    """The lines of a care plan together ask for no more than was paid in.

    Raises
    ------
    Invalid
        With both amounts.
    """
    if planned_pence > amount_pence:
        raise Invalid(
            "plan_above_budget",
            f"The parts of the plan come to {format_pounds(planned_pence)}, more than the budget of "
            f"{format_pounds(amount_pence)}. Lower a part, or raise the budget.",
            place="lines",
            planned_pence=planned_pence,
            amount_pence=amount_pence,
        )


def check_line(outcome: str, units: int, budget_pence: Pence, place: str) -> None:
    """A line of a care plan says what it is for, how many units, and what they may cost.

    Raises
    ------
    Invalid
        Naming the field, under `place`.
    """
    if not outcome.strip():
        raise Invalid("outcome_missing", "Write what this is to achieve.", place=f"{place}.outcome")
    if type(units) is not int or not 1 <= units <= MAX_UNITS:
        raise Invalid("units_out_of_range", "Enter at least 1 unit.", place=f"{place}.units", units=units)
    if type(budget_pence) is not int or not 0 <= budget_pence <= MAX_PENCE:
        raise Invalid("amount_out_of_range", "Enter £0 or more.", place=f"{place}.budget_pence")


def check_covers(valid_from: date, valid_to: date, period_from: date, period_to: date) -> None:
    """A budget can only be pooled for a period in which it is valid throughout.

    Raises
    ------
    WrongState
        With both periods.
    """
    if period_from < valid_from or period_to > valid_to:
        raise WrongState(
            "budget_does_not_cover",
            "This budget is not valid for the whole period of the pool.",
            valid_from=valid_from.isoformat(),
            valid_to=valid_to.isoformat(),
        )
