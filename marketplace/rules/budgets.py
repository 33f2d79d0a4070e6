"""What a budget may promise: its period, and that its plan fits in it."""

from collections.abc import Sequence
from datetime import date

from .errors import Invalid, WrongState
from .money import Pence, format_pounds


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
    planned_pence = sum(line_pence)
    if planned_pence > amount_pence:
        raise Invalid(
            "plan_above_budget",
            f"The plan's lines come to {format_pounds(planned_pence)}, more than the budget of "
            f"{format_pounds(amount_pence)}. Lower a line, or raise the budget.",
            place="lines",
            planned_pence=planned_pence,
            amount_pence=amount_pence,
        )


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
