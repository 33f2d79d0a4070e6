"""Markets small enough for brute force, over every combination of rules.

`tiny_documents()` draws market/1 documents of at most 4 needs, 3 offers, 2 bundles and 3 providers. Each rule is on
or off by a draw of its own, and its limits lie around what so few needs come to, so that it often decides.
"""

from typing import Any

from hypothesis import strategies as st

Document = dict[str, Any]

PROVIDERS = ("p1", "p2", "p3")
ATTRIBUTES = ("home_visit", "step_free")
PLACES = st.sampled_from([(0, 0), (300, 400), (1_000, 0), (2_500, 1_999)])


def maybe(draw: st.DrawFn, document: Document, name: str, values: st.SearchStrategy[Any]) -> None:
    """Fill an optional field, or leave it out."""
    if draw(st.booleans()):
        document[name] = draw(values)


@st.composite
def tiny_documents(draw: st.DrawFn, *, unmatched: str | None = None) -> Document:
    """One document; `unmatched` fixes the policy's word for it."""
    bundles = ["b1", "b2"][: draw(st.integers(1, 2))]
    policy = draw(policies(unmatched))
    needs = [draw(needs_of(f"n{number}", bundles, policy)) for number in range(1, draw(st.integers(1, 4)) + 1)]
    bands = draw(st.sampled_from([[0], [0, 3], [0, 2, 5]]))
    offers = [draw(offers_of(f"o{number}", bundles, bands)) for number in range(1, draw(st.integers(1, 3)) + 1)]
    document = {
        "format": "market/1",
        "policy": policy,
        "bundles": [draw(bundles_of(name)) for name in bundles],
        "needs": needs,
        "providers": [draw(providers_of(name)) for name in PROVIDERS],
        "offers": offers,
    }
    if draw(st.integers(0, 4)) == 0:
        document["pairs"] = draw(pairs_of(needs, offers))
    return document


@st.composite
def policies(draw: st.DrawFn, unmatched: str | None) -> Document:
    policy: Document = {
        "pooling": draw(st.sampled_from(["own_budget", "shared_pool"])),
        "unmatched": unmatched or draw(st.sampled_from(["coverage_first", "coverage_first", "reserve"])),
        "weight_bounds_permille": [500, 2000],
    }
    maybe(draw, policy, "pence_per_quality_grade", st.sampled_from([20, 100]))
    maybe(draw, policy, "pence_per_km", st.sampled_from([7, 90]))
    maybe(draw, policy, "pence_per_change", st.sampled_from([50, 600]))
    maybe(draw, policy, "pence_per_wait_day", st.sampled_from([3, 30]))
    maybe(draw, policy, "seed", st.integers(0, 9))
    return policy


@st.composite
def bundles_of(draw: st.DrawFn, name: str) -> Document:
    bundle: Document = {"id": name}
    if draw(st.booleans()):
        maybe(draw, bundle, "min_grade", st.integers(0, 2))
        maybe(draw, bundle, "min_providers", st.integers(1, 2))
        maybe(draw, bundle, "max_providers", st.integers(1, 2))
        maybe(draw, bundle, "max_share_permille", st.sampled_from([400, 500, 667, 750, 1000]))
        maybe(draw, bundle, "target_grade_permille", st.sampled_from([1000, 1500, 2200]))
    return bundle


@st.composite
def needs_of(draw: st.DrawFn, name: str, bundles: list[str], policy: Document) -> Document:
    units = draw(st.integers(1, 4))
    need: Document = {
        "id": name,
        "bundle": draw(st.sampled_from(bundles)),
        "units": units,
        "budget_pence": units * draw(st.sampled_from([70, 90, 100, 110, 140])) + draw(st.sampled_from([0, 13, 60])),
    }
    if policy["unmatched"] == "reserve":
        need["reserve_pence"] = units * draw(st.sampled_from([60, 120, 400]))
    maybe(draw, need, "priority", st.integers(1, 3))
    if draw(st.booleans()):
        need["easting_m"], need["northing_m"] = draw(PLACES)
        maybe(draw, need, "max_distance_m", st.sampled_from([0, 500, 1_000, 4_000]))
    if draw(st.integers(0, 2)) == 0:
        maybe(draw, need, "min_grade", st.integers(1, 2))
        maybe(draw, need, "requires", st.lists(st.sampled_from(ATTRIBUTES), unique=True))
        maybe(draw, need, "excludes", st.lists(st.sampled_from(PROVIDERS), unique=True, max_size=1))
        maybe(draw, need, "max_wait_days", st.sampled_from([0, 10, 20]))
    if draw(st.booleans()):
        need["current_provider"] = draw(st.sampled_from(PROVIDERS))
        need["keep_provider"] = draw(st.integers(0, 3)) == 0
    if draw(st.integers(0, 3)) == 0:
        own = [weight for weight in policy if weight.startswith("pence_per")]
        need["weights"] = {weight: policy[weight] * draw(st.sampled_from([1, 2])) for weight in own}
    return need


@st.composite
def providers_of(draw: st.DrawFn, name: str) -> Document:
    provider: Document = {"id": name}
    if draw(st.integers(0, 2)) == 0:
        provider["max_units"] = draw(st.integers(0, 8))
    return provider


@st.composite
def offers_of(draw: st.DrawFn, name: str, bundles: list[str], bands: list[int]) -> Document:
    provider = draw(st.sampled_from(PROVIDERS))
    covered = draw(st.lists(st.sampled_from(bundles), unique=True, min_size=1))
    offer: Document = {"id": name, "provider": provider, "lines": [draw(lines_of(each, bands)) for each in covered]}
    maybe(draw, offer, "grade", st.integers(1, 4))
    maybe(draw, offer, "fee_pence", st.sampled_from([1, 17, 50, 100, 200]))
    if draw(st.booleans()):
        maybe(draw, offer, "min_units", st.integers(1, 6))
        maybe(draw, offer, "max_units", st.integers(1, 9))
    if draw(st.integers(0, 3)) == 0:
        # A group belongs to one provider, so its name says whose it is.
        offer["exclusive"] = f"group of {provider}"
    maybe(draw, offer, "attributes", st.lists(st.sampled_from(ATTRIBUTES), unique=True))
    maybe(draw, offer, "first_appointment_days", st.sampled_from([0, 10, 11]))
    if draw(st.booleans()):
        offer["easting_m"], offer["northing_m"] = draw(PLACES)
        maybe(draw, offer, "max_distance_m", st.sampled_from([500, 2_000]))
    return offer


@st.composite
def lines_of(draw: st.DrawFn, bundle: str, bands: list[int]) -> Document:
    price = draw(st.sampled_from([80, 95, 100, 105]))
    # Prices mostly fall with volume, but nothing says they must.
    steps = draw(st.lists(st.sampled_from([-20, -10, 0, 5]), min_size=len(bands) - 1, max_size=len(bands) - 1))
    prices = [price + sum(steps[:band]) for band in range(len(bands))]
    tiers = [{"from_units": start, "price_pence": price} for start, price in zip(bands, prices, strict=True)]
    line: Document = {"bundle": bundle, "tiers": tiers}
    if draw(st.integers(0, 2)) == 0:
        maybe(draw, line, "min_units", st.integers(1, 4))
        maybe(draw, line, "max_units", st.integers(1, 6))
    return line


@st.composite
def pairs_of(draw: st.DrawFn, needs: list[Document], offers: list[Document]) -> list[Document]:
    pairs = []
    for need in needs:
        for offer in offers:
            if need["bundle"] in [line["bundle"] for line in offer["lines"]] and draw(st.integers(0, 3)):
                pair: Document = {"need": need["id"], "offer": offer["id"]}
                maybe(draw, pair, "extra_cost_pence", st.sampled_from([-300, -1, 40]))
                maybe(draw, pair, "price_pence", st.sampled_from([0, 90, 250]))
                pairs.append(pair)
    return pairs
