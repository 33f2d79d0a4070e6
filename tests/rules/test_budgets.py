"""Who stands behind a budget, when its plan is reviewed, which rules make sense."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.rules.budgets import (
    FundingRules,
    ManagedAs,
    Party,
    check_funding_rules,
    check_reason,
    months_after,
    parties_of,
)
from marketplace.rules.errors import Invalid
from marketplace.rules.permissions import Role


@pytest.mark.parametrize(
    ("managed_as", "holder_id", "keeper", "countersigns"),
    [
        (ManagedAs.NOTIONAL, None, Party(Role.COMMISSIONER, "c"), False),
        (ManagedAs.THIRD_PARTY, "h", Party(Role.HOLDER, "h"), True),
        (ManagedAs.THIRD_PARTY, None, Party(Role.COMMISSIONER, "c"), False),
        (ManagedAs.DIRECT_PAYMENT, None, Party(Role.PATIENT, "p"), False),
    ],
)
def test_who_keeps_the_money_contracts_and_pays(
    managed_as: ManagedAs, holder_id: str | None, keeper: Party, countersigns: bool
) -> None:
    """Whoever keeps the money is the contract's party and pays; the commissioner approves and the patient agrees."""
    parties = parties_of(managed_as, "c", "p", holder_id)
    assert (parties.contract_party, parties.payer) == (keeper, keeper)
    assert (parties.approves, parties.agrees) == (Party(Role.COMMISSIONER, "c"), Party(Role.PATIENT, "p"))
    assert parties.must_countersign is countersigns


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 3, 2), 3, date(2026, 6, 2)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2027, 11, 30), 3, date(2028, 2, 29)),
        (date(2026, 12, 31), 12, date(2027, 12, 31)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
    ],
)
def test_months_end_where_the_month_ends(day: date, months: int, expected: date) -> None:
    assert months_after(day, months) == expected


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(1, 24))
def test_months_after_is_so_many_months_later(day: date, months: int) -> None:
    """Whatever the day: the month is so many further on, and the day is the same or the month's last."""
    later = months_after(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day <= day.day


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("first_review_months", 0),
        ("review_months", 25),
        ("support_from_age", 121),
        ("support_to_decile", 0),
        ("support_to_decile", 11),
        ("support_conditions", 0),
        ("support_conditions", 13),
        ("support_answer_days", -1),
        ("support_answer_days", 29),
        ("support_priority", 0),
        ("support_priority", 11),
        ("support_supplement_pence", -1),
        ("support_supplement_pence", 10**12 + 1),
        ("support_supplement_pence", 1.5),
        ("review_months", True),
        ("draft_days", 6),
    ],
)
def test_rules_out_of_range_are_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(Invalid) as caught:
        check_funding_rules(FundingRules(**{field: value}))
    assert caught.value.place == field


def test_a_reason_is_a_sentence() -> None:
    """A dot is no reason; what is written is kept without stray spaces."""
    assert check_reason("  Prices went up ") == "Prices went up"
    for reason in ("", "   ", "because"):
        with pytest.raises(Invalid):
            check_reason(reason)
