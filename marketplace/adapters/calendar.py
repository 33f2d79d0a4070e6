"""England's bank holidays, from GOV.UK's list as packaged; no network is asked."""

from datetime import date
from functools import cache

from govuk_bank_holidays.bank_holidays import BankHolidays


@cache
def england_holidays() -> frozenset[date]:
    """Every bank holiday of England and Wales that the packaged list knows."""
    calendar = BankHolidays(use_cached_holidays=True)
    return frozenset(day["date"] for day in calendar.get_holidays(division=BankHolidays.ENGLAND_AND_WALES))
