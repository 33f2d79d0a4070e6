"""Small named markets for the engine's tests, and `solved`, which never lets an unverified outcome pass."""

from collections.abc import Sequence
from typing import Any

from matching import Market, Outcome, read_market, solve, verify

Document = dict[str, Any]


def need(name: str, units: int = 10, budget_pence: int = 60_000, bundle: str = "b1", **more: Any) -> Document:
    """Ten sessions and a budget that pays 60.00 for each, unless said otherwise."""
    return {"id": name, "bundle": bundle, "units": units, "budget_pence": budget_pence, **more}


def line(bundle: str, *tiers: tuple[int, int], **more: Any) -> Document:
    """A line with its bands: (from units, price)."""
    bands = [{"from_units": start, "price_pence": price} for start, price in tiers]
    return {"bundle": bundle, "tiers": bands, **more}


def offer(name: str, *tiers: tuple[int, int], provider: str | None = None, bundle: str = "b1", **more: Any) -> Document:
    """An offer of provider p-NAME on one bundle; at 50.00 for each unit where no band is given."""
    lines = more.pop("lines", None) or [line(bundle, *(tiers or ((0, 5_000),)))]
    return {"id": name, "provider": provider or f"p-{name}", "lines": lines, **more}


def document(
    needs: Sequence[Document],
    offers: Sequence[Document],
    *,
    bundles: Sequence[Document] = ({"id": "b1"},),
    limits: dict[str, int] | None = None,
    pairs: Sequence[Document] | None = None,
    **policy: Any,
) -> Document:
    """A market/1 document; providers are those of the offers, `limits` their maximum units."""
    names = sorted({one["provider"] for one in offers} | set(limits or {}))
    providers = [{"id": name, "max_units": (limits or {}).get(name)} for name in names]
    return {
        "format": "market/1",
        "policy": policy,
        "bundles": list(bundles),
        "needs": list(needs),
        "providers": providers,
        "offers": list(offers),
        "pairs": None if pairs is None else list(pairs),
    }


def market(needs: Sequence[Document], offers: Sequence[Document], **more: Any) -> Market:
    """The same, read."""
    return read_market(document(needs, offers, **more))


def solved(made: Market, **options: Any) -> Outcome:
    """Solve; the outcome has passed `verify`."""
    outcome = solve(made, **options)
    assert verify(made, outcome) == []
    return outcome


def plan(outcome: Outcome) -> dict[str, str]:
    """Who has what."""
    return outcome.offer_of()


def reasons(outcome: Outcome) -> dict[str, str]:
    """Why the others have nothing."""
    return {one.need: str(one.reason) for one in outcome.unmatched}


def rules_in_conflict(outcome: Outcome) -> set[str]:
    """The rules named by any conflict."""
    return {rule for one in outcome.unmatched for rule in one.rules}


THREE = (need("n1"), need("n2"), need("n3"))
"""Three alike: ten units each, 600.00 each."""
