"""Which help a condition leads to, and how much of it people ask for: tables, all of them synthetic.

No public source says who with which condition would hold a budget, nor what their care plan asks. These tables are our
assumptions, in one place, so that they can be argued with.
"""

from collections.abc import Mapping
from dataclasses import dataclass

ARTHRITIS_OR_BACK_PAIN = "arthritis_or_back_pain"
"""There is no register of osteoarthritis or back pain: synthetic, a share of everybody on a practice list."""

ARTHRITIS_OR_BACK_PAIN_PERMILLE = 100


@dataclass(frozen=True)
class Condition:
    """How likely somebody on this register holds a budget, and what for."""

    label: str
    budget_holders_per_million: int
    service_percent: Mapping[str, int]
    born_between: tuple[int, int]


CONDITIONS = {
    "asthma": Condition("asthma", 1_500, {"pulmonary_rehabilitation": 100}, (1950, 2004)),
    "copd": Condition("COPD", 26_000, {"pulmonary_rehabilitation": 100, "physiotherapy": 15}, (1936, 1968)),
    "diabetes": Condition("diabetes", 8_500, {"podiatry": 100}, (1938, 1990)),
    "depression": Condition("depression", 3_800, {"talking_therapies": 100}, (1950, 2004)),
    "dementia": Condition("dementia", 48_000, {"home_care": 75, "respite": 55}, (1933, 1957)),
    "heart_failure": Condition(
        "heart failure", 11_000, {"pulmonary_rehabilitation": 55, "home_care": 50}, (1935, 1965)
    ),
    "severe_mental_illness": Condition(
        "severe mental illness", 14_000, {"talking_therapies": 65, "occupational_therapy": 45}, (1950, 2002)
    ),
    "rheumatoid_arthritis": Condition(
        "rheumatoid arthritis", 46_000, {"physiotherapy": 65, "hydrotherapy": 55, "podiatry": 15}, (1940, 1992)
    ),
    "osteoporosis": Condition("osteoporosis", 20_000, {"physiotherapy": 75, "hydrotherapy": 30}, (1936, 1968)),
    "stroke": Condition(
        "stroke", 17_000, {"physiotherapy": 50, "occupational_therapy": 50, "home_care": 40}, (1936, 1978)
    ),
    "palliative_care": Condition("palliative care", 12_000, {"home_care": 80, "respite": 35}, (1935, 1975)),
    ARTHRITIS_OR_BACK_PAIN: Condition(
        "arthritis or back pain", 5_200, {"physiotherapy": 85, "hydrotherapy": 25}, (1942, 1994)
    ),
}


@dataclass(frozen=True)
class Wishes:
    """How a plan line of one service may look.

    Attributes
    ----------
    units
        The quantities that care plans name; drawn evenly.
    distance_km
        The shortest and the longest "how far is too far".
    wait_days
        The longest waits that people name; None is no limit.
    graded_percent
        How many insist on a provider rated Good or better.
    required_percent
        Attribute -> how many cannot do without it.
    """

    outcomes: tuple[str, ...]
    units: tuple[int, ...]
    distance_km: tuple[int, int]
    wait_days: tuple[int | None, ...]
    graded_percent: int
    required_percent: Mapping[str, int]


WISHES = {
    "physiotherapy": Wishes(
        (
            "Climb the stairs without holding the rail",
            "Walk to the shop and back without a rest",
            "Sleep through the night without back pain",
            "Get out of a chair without help",
        ),
        (6, 6, 8, 8, 10, 12),
        (12, 38),
        (None, None, 21, 28, 42),
        4,
        {"step_free": 14, "home_visit": 6, "evening": 5},
    ),
    "hydrotherapy": Wishes(
        ("Move my hips without pain for an hour", "Lift my arms above my head again"),
        (6, 8, 8, 10),
        (24, 60),
        (None, None, 35, 56),
        2,
        {"step_free": 30},
    ),
    "pulmonary_rehabilitation": Wishes(
        (
            "Walk for six minutes without stopping",
            "Climb one flight of stairs and still talk",
            "Get back to my allotment",
        ),
        (12, 12, 16, 18),
        (19, 48),
        (None, None, 28, 42, 60),
        4,
        {"step_free": 18},
    ),
    "podiatry": Wishes(
        ("Keep my feet free of ulcers for a year", "Wear ordinary shoes again"),
        (4, 4, 6, 8),
        (15, 42),
        (None, None, 21, 35),
        2,
        {"step_free": 14, "home_visit": 10},
    ),
    "talking_therapies": Wishes(
        ("Go back to the choir on Thursdays", "Sleep without waking from worry", "Answer the telephone again"),
        (8, 8, 10, 12),
        (19, 52),
        (None, None, 21, 28, 42),
        2,
        {"evening": 15, "step_free": 6},
    ),
    "occupational_therapy": Wishes(
        ("Cook a warm meal on my own", "Wash and dress without help", "Use the kitchen safely after the stroke"),
        (4, 6, 6, 8),
        (22, 54),
        (None, None, 28, 42),
        2,
        {"home_visit": 45, "step_free": 8},
    ),
    "home_care": Wishes(
        ("Stay in my own home, washed and dressed by ten", "Have company and a warm lunch on weekdays"),
        (52, 78, 104, 104, 130, 156),
        (20, 46),
        (None, None, 14, 21, 28),
        12,
        {"home_visit": 100},
    ),
    "respite": Wishes(
        ("A week away, so that my daughter can rest", "Two stays a year in a place I know"),
        (7, 7, 14, 14, 21),
        (20, 54),
        (None, None, 42, 60),
        18,
        {"step_free": 45},
    ),
}
