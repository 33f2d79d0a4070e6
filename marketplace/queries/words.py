"""How values are said to people: `pounds`, `day`, `moment`, `units`, `words`, `permille`, `distance`.

Times are London's, dates are in words (21 November 2026), money is £1,234.56.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from marketplace.records.tenders import Decision
from marketplace.rules.clock import LONDON, Instant, day_in_words
from marketplace.rules.money import Pence, format_pounds

_UNIT_PLURALS = {
    "session": "sessions",
    "hour": "hours",
    "week": "weeks",
    "day": "days",
    "visit": "visits",
    "night": "nights",
}


METRES_A_MILE = 1609.344
CLOSE_MILES = 10
"""From here on tenths of a mile are left out."""

SEEN_WORDS = {
    "account": "Your account",
    "answers to a match": "Your answer to a match",
    "broker": "Your broker",
    "budget": "Your budget",
    "budgets held": "A list with your budget",
    "care plan": "Your care plan",
    "care plans to approve": "Your care plan, before it was approved",
    "contract": "Your contract",
    "contracts": "A list with your contract",
    "contracts to sign": "A list with your contract to sign",
    "delivery": "The record of your care",
    "extra support": "Your extra support",
    "home": "Your home page",
    "invitation": "Your invitation to a group",
    "list of accounts": "A list with your account",
    "list of budgets": "A list with your budget",
    "list of clients": "A list with your name",
    "list of contracts": "A list with your contract",
    "list of people": "A list with your name",
    "match": "Your match",
    "money of shared groups": "Money of your shared groups",
    "payments": "Your payments to providers",
    "preferences": "What counts for you",
    "representatives": "Who may act for you",
    "result of a match": "The result of your group",
    "seen": "Who has seen your record",
    "support": "Your extra support",
    "what patients wrote": "What you wrote of your care",
    "who could join a group": "A list of who could join a group",
}
"""What a patient calls the pages on which somebody saw their record; offices name theirs after what they do."""


def pounds(pence: Pence | None) -> str:
    """``123456`` -> ``£1,234.56``; an unknown amount is a dash."""
    return "–" if pence is None else format_pounds(pence).replace("-", "−")


def change(pence: Pence) -> str:
    """``+£100.00``, ``−£600.00``, ``£0.00``: what an amount did to what is free to use."""
    sign = "+" if pence > 0 else "−" if pence < 0 else ""
    return f"{sign}{format_pounds(abs(pence))}"


def day(value: date | datetime | None) -> str:
    """``21 November 2026``: an instant is told as its day in London."""
    if value is None:
        return "–"
    if isinstance(value, datetime):
        value = value.astimezone(LONDON).date()
    return day_in_words(value)


def london_day(value: Instant | None) -> date | None:
    """The day of an instant in London, for a cell of a file."""
    return None if value is None else value.astimezone(LONDON).date()


def moment(value: Instant | None) -> str:
    """``Saturday 21 November 2026 at 5:30pm``, London time."""
    if value is None:
        return "–"
    local = value.astimezone(LONDON)
    if (local.hour, local.minute) == (0, 0):  # the end of a day is said as that day, not as the next one's first moment
        before = (local - timedelta(minutes=1)).date()
        return f"the end of {before:%A} {day(before)}"
    return f"{local:%A} {day(local)} at {clock_time(value)}"


def clock_time(value: Instant) -> str:
    """``5pm``, ``5:30pm``, ``midday``: London time."""
    local = value.astimezone(LONDON)
    if (local.hour, local.minute) == (12, 0):
        return "midday"
    hour, half = (local.hour % 12) or 12, "am" if local.hour < 12 else "pm"
    return f"{hour}{f':{local.minute:02d}' if local.minute else ''}{half}"


def typed_pounds(pence: Pence) -> str:
    """``4850`` -> ``48.50``: an amount as it stands in a field."""
    return f"{pence // 100}.{pence % 100:02d}"


def units(count: int, unit: str = "session") -> str:
    """``1 session``, ``1,200 sessions``: the unit is the catalogue's, said in the singular."""
    return f"{count:,} {unit if count == 1 else units_of(unit)}"


def units_of(unit: str) -> str:
    """``session`` -> ``sessions``: a unit of the catalogue, said of no number."""
    return _UNIT_PLURALS.get(unit, unit + "s")


def one_unit(kinds: Iterable[str]) -> str:
    """What one unit is called where all these count in the same, else ``unit``."""
    different = set(kinds)
    return different.pop() if len(different) == 1 else "unit"


def plural(count: int, one: str, many: str | None = None) -> str:
    """``1 offer``, ``3 offers``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def listed(parts: Sequence[str]) -> str:
    """``A``, ``A and B``, ``A, B and C``."""
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else "".join(parts)


def words(code: str) -> str:
    """``home_visit`` -> ``Home visit``: a code nobody has written better words for."""
    text = str(code).replace("_", " ")
    return text[:1].upper() + text[1:]


def seen_page(page: str) -> str:
    """A kind of page, to the patient who was seen on it: ``list of clients`` -> ``A list with your name``."""
    return SEEN_WORDS.get(page) or words(page)


def decision(taken: Decision) -> str:
    """What was decided on a representation."""
    return {
        Decision.REFUSED: "Refused",
        Decision.RUN_AGAIN: "Upheld: the match is run again",
        Decision.CANCEL: "Upheld: the tender is cancelled",
    }[taken]


def permille(value: float, of: int = 1000) -> str:
    """A share as a percentage: ``permille(125)`` -> ``12.5%``."""
    percent = 100 * value / of if of else 0
    return f"{percent:.1f}%".replace(".0%", "%")


def distance(metres: int | None) -> str:
    """``11.2 km (7 miles)``."""
    if metres is None:
        return "–"
    miles = round(metres, -2) / METRES_A_MILE  # of the kilometres that are said, so that the two agree
    far = f"{miles:.1f}".removesuffix(".0") if miles < CLOSE_MILES else f"{miles:.0f}"
    return f"{kilometres(metres)} ({far} {'mile' if far == '1' else 'miles'})"


def kilometres(metres: int | None) -> str:
    """``11.2 km``: where there is no room for miles."""
    return "–" if metres is None else f"{metres / 1000:.1f} km".replace(".0 km", " km")


def short_hash(digest: str | None) -> str:
    """The first characters of a hash: enough to compare by eye, the whole of it is in the title beside it."""
    return "–" if digest is None else digest[:12]
