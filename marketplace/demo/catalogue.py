"""What can be bought with a budget, in which unit, and the three prices that every saving is measured by.

The conventional price is what the unit costs inside the conventional package. The private price is what one person
pays who buys a single unit alone. The reference price is the commissioner's guide: the lower of the conventional price
and the private price less the published block discount. Each price says where it comes from; where no anchor was
found, it is derived by a stated rule and marked synthetic.
"""

from dataclasses import dataclass
from functools import cache

from marketplace.demo.geography import shipped

BLOCK_DISCOUNT_PERMILLE = 100
"""A published block of 6 or 12 physiotherapy sessions costs 10 per cent less a session."""

UPRATING_PERCENT_A_YEAR = 3
"""Our assumption for care prices that are older than 2020; stated wherever it is used."""


@dataclass(frozen=True)
class Service:
    """One kind of help in the catalogue."""

    code: str
    name: str
    unit: str
    unit_plural: str
    reference_pence: int
    conventional_pence: int
    private_pence: int
    conventional_source: str
    private_source: str

    @property
    def reference_source(self) -> str:
        """Where the guide price comes from."""
        return "The lower of the conventional price and the private price less the published 10% block discount"


@dataclass(frozen=True)
class ExcludedCategory:
    """What no budget may be spent on, and why."""

    code: str
    name: str
    reason: str


EXCLUDED = (
    ExcludedCategory(
        "emergency_care", "Emergency and urgent care", "It must be there for everybody at once, without a budget."
    ),
    ExcludedCategory(
        "primary_care", "Primary medical care", "Your practice and its contracted services stay free of charge."
    ),
    ExcludedCategory("alcohol", "Alcohol", "A health budget may not buy what harms health."),
    ExcludedCategory("tobacco", "Tobacco", "A health budget may not buy what harms health."),
    ExcludedCategory("gambling", "Gambling", "A health budget may not be staked."),
    ExcludedCategory("debt_repayment", "Repaying debt", "A health budget pays for the outcomes of a care plan only."),
    ExcludedCategory("unlawful", "Anything unlawful", "Public money may not pay for it."),
)


@dataclass(frozen=True)
class Anchor:
    """One published price or cost."""

    price_pence: int
    price_date: str
    source: str

    def __str__(self) -> str:
        return f"{self.source} ({self.price_date})"


@cache
def anchors() -> dict[tuple[str, str, str], Anchor]:
    """Published prices by (service, unit, date)."""
    return {
        (row["service"], row["unit"], row["price_date"]): Anchor(
            price_pence=int(row["price_pence"]), price_date=row["price_date"], source=row["source"]
        )
        for row in shipped("price_anchors.csv")
    }


def _anchor(service: str, unit: str, price_date: str = "2024/25") -> Anchor:
    return anchors()[service, unit, price_date]


def _private_by_ratio(conventional_pence: int) -> tuple[int, str]:
    """A private price that nobody published: in the same ratio to the NHS cost as in physiotherapy."""
    physiotherapy = _anchor("physiotherapy", "one_to_one_contact")
    private = _anchor("physiotherapy", "private_single_treatment", "undated web page")
    price_pence = conventional_pence * private.price_pence // physiotherapy.price_pence
    return price_pence, "Synthetic: the NHS cost in the ratio of private to NHS physiotherapy (55.00 : 79.06)"


def uprated(price_pence: int, years: int) -> int:
    """An old price carried forward by the assumed yearly rate, rounded down to the penny year by year."""
    for _ in range(years):
        price_pence = price_pence * (100 + UPRATING_PERCENT_A_YEAR) // 100
    return price_pence


def _service(
    code: str, name: str, units: tuple[str, str], conventional: tuple[int, str], private: tuple[int, str]
) -> Service:
    discounted_pence = private[0] * (1000 - BLOCK_DISCOUNT_PERMILLE) // 1000
    return Service(
        code=code,
        name=name,
        unit=units[0],
        unit_plural=units[1],
        reference_pence=min(conventional[0], discounted_pence),
        conventional_pence=conventional[0],
        private_pence=private[0],
        conventional_source=conventional[1],
        private_source=private[1],
    )


def _from_contact(code: str, name: str, contact: str) -> Service:
    anchor = _anchor(code, contact)
    return _service(
        code, name, ("session", "sessions"), (anchor.price_pence, str(anchor)), _private_by_ratio(anchor.price_pence)
    )


def _physiotherapy() -> Service:
    conventional = _anchor("physiotherapy", "one_to_one_contact")
    private = _anchor("physiotherapy", "private_single_treatment", "undated web page")
    return _service(
        "physiotherapy",
        "Physiotherapy",
        ("session", "sessions"),
        (conventional.price_pence, str(conventional)),
        (private.price_pence, str(private)),
    )


def _hydrotherapy() -> Service:
    conventional = _anchor("hydrotherapy", "nhs_tariff_later_session", "2013")
    pool = _anchor("hydrotherapy", "pool_hire_charge_hour (group)", "undated web page")
    therapist = _anchor("physiotherapy", "private_followup_25min", "undated web page")
    return _service(
        "hydrotherapy",
        "Hydrotherapy",
        ("session", "sessions"),
        (conventional.price_pence, f"{conventional}; a later session, not uprated"),
        (
            pool.price_pence // 2 + therapist.price_pence,
            f"Synthetic sum: half an hour of pool hire, {pool}, and a private follow-up, {therapist}",
        ),
    )


def _pulmonary_rehabilitation() -> Service:
    programme = _anchor("pulmonary_rehabilitation", "programme_up_to_20_patients_18_visits", "2001")
    private = _anchor("physiotherapy", "private_single_treatment", "undated web page")
    return _service(
        "pulmonary_rehabilitation",
        "Pulmonary rehabilitation",
        ("session", "sessions"),
        (
            uprated(programme.price_pence // (20 * 18), years=24),
            f"{programme}: 20 patients, 18 visits; uprated by an assumed 3% a year to 2025",
        ),
        (private.price_pence, f"A single physiotherapy session in place of a class: {private}"),
    )


def _home_care() -> Service:
    minimum = _anchor("home_care", "hour_minimum_price_England", "2025/26")
    return _service(
        "home_care",
        "Home care",
        ("hour", "hours"),
        (minimum.price_pence, f"{minimum}: what an hour costs that is paid at a sustainable price"),
        (
            -(-minimum.price_pence * 1000 // (1000 - BLOCK_DISCOUNT_PERMILLE)),
            "Synthetic: the minimum price without the published 10% block discount",
        ),
    )


def _respite() -> Service:
    public = _anchor("residential_care", "week_local_authority_average", "2016")
    private = _anchor("residential_care", "week_self_funder_average", "2016")
    return _service(
        "respite",
        "Respite stay",
        ("night", "nights"),
        (uprated(public.price_pence, years=9) // 7, f"{public}; a seventh, uprated by an assumed 3% a year to 2025"),
        (uprated(private.price_pence, years=9) // 7, f"{private}; a seventh, uprated by an assumed 3% a year to 2025"),
    )


@cache
def services() -> dict[str, Service]:
    """The catalogue by service code."""
    catalogue = (
        _physiotherapy(),
        _hydrotherapy(),
        _pulmonary_rehabilitation(),
        _from_contact("podiatry", "Podiatry", "general_tier1_contact"),
        _from_contact("talking_therapies", "Talking therapy", "treatment_contact"),
        _from_contact("occupational_therapy", "Occupational therapy", "adult_one_to_one_contact"),
        _home_care(),
        _respite(),
    )
    return {service.code: service for service in catalogue}
