"""Markets small enough for brute force, over every combination of rules.

`tiny_documents()` draws market/1 documents of at most 4 needs, 3 offers, 2 bundles and 3 providers. First it draws
which rules are in play (any few of `RULES`), then the limits of each, around what so few needs come to, so that they
often decide and seldom forbid everything.
"""

from typing import Any

from hypothesis import strategies as st

Document = dict[str, Any]
Rules = frozenset[str]

PROVIDERS = ("p1", "p2", "p3")
ATTRIBUTES = ("home_visit", "step_free")
PLACES = st.sampled_from([(0, 0), (300, 400), (1_000, 0), (2_500, 1_999)])

RULES = (
    "attributes",
    "capacity",
    "distance",
    "excludes",
    "exclusive",
    "fee",
    "grade",
    "keep_provider",
    "line_capacity",
    "line_minimum",
    "minimum_volume",
    "pairs",
    "priority",
    "provider_capacity",
    "provider_count",
    "provider_share",
    "quality",
    "reserve",
    "shared_pool",
    "tiers",
    "wait",
    "weights",
)


@st.composite
def tiny_documents(draw: st.DrawFn, *, without: tuple[str, ...] = (), needs: int = 4, offers: int = 3) -> Document:
    """One document, in which the rules of `without` are never in play."""
    rules = draw(st.frozensets(st.sampled_from([rule for rule in RULES if rule not in without]), max_size=6))
    bundles = ["b1", "b2"][: draw(st.integers(1, 2))]
    policy = draw(policies(rules))
    need_list = [draw(needs_of(f"n{number}", bundles, policy, rules)) for number in range(1, draw(_few(needs)) + 1)]
    bands = draw(st.sampled_from([[0, 3], [0, 2, 5]])) if "tiers" in rules else [0]
    offer_list = [draw(offers_of(f"o{number}", bundles, bands, rules)) for number in range(1, draw(_few(offers)) + 1)]
    document = {
        "format": "market/1",
        "policy": policy,
        "bundles": [draw(bundles_of(name, rules)) for name in bundles],
        "needs": need_list,
        "providers": [draw(providers_of(name, rules)) for name in PROVIDERS],
        "offers": offer_list,
    }
    if "pairs" in rules:
        document["pairs"] = draw(pairs_of(need_list, offer_list))
    return document


def _few(most: int) -> st.SearchStrategy[int]:
    """One at least, mostly as many as there may be."""
    return st.sampled_from([*range(1, most + 1), most, most])


def maybe(draw: st.DrawFn, document: Document, name: str, values: st.SearchStrategy[Any]) -> None:
    """Fill an optional field, or leave it out."""
    if draw(st.booleans()):
        document[name] = draw(values)


@st.composite
def policies(draw: st.DrawFn, rules: Rules) -> Document:
    policy: Document = {
        "pooling": "shared_pool" if "shared_pool" in rules else "own_budget",
        "unmatched": "reserve" if "reserve" in rules else "coverage_first",
        "weight_bounds_permille": [500, 2000],
    }
    if "weights" in rules:
        maybe(draw, policy, "pence_per_quality_grade", st.sampled_from([20, 100]))
        maybe(draw, policy, "pence_per_km", st.sampled_from([7, 90]))
        maybe(draw, policy, "pence_per_change", st.sampled_from([50, 600]))
        maybe(draw, policy, "pence_per_wait_day", st.sampled_from([3, 30]))
    maybe(draw, policy, "seed", st.integers(0, 9))
    return policy


@st.composite
def bundles_of(draw: st.DrawFn, name: str, rules: Rules) -> Document:
    bundle: Document = {"id": name}
    if "grade" in rules:
        maybe(draw, bundle, "min_grade", st.integers(0, 2))
    if "provider_count" in rules:
        maybe(draw, bundle, "min_providers", st.integers(1, 2))
        maybe(draw, bundle, "max_providers", st.integers(1, 2))
    if "provider_share" in rules:
        maybe(draw, bundle, "max_share_permille", st.sampled_from([400, 500, 667, 750, 1000]))
    if "quality" in rules:
        maybe(draw, bundle, "target_grade_permille", st.sampled_from([1000, 1500, 2200]))
    return bundle


@st.composite
def needs_of(draw: st.DrawFn, name: str, bundles: list[str], policy: Document, rules: Rules) -> Document:
    units = draw(st.integers(1, 4))
    need: Document = {
        "id": name,
        "bundle": draw(st.sampled_from(bundles)),
        "units": units,
        "budget_pence": units * draw(st.sampled_from([80, 95, 100, 110, 140])) + draw(st.sampled_from([0, 13, 60])),
    }
    if "reserve" in rules:
        need["reserve_pence"] = units * draw(st.sampled_from([60, 120, 400]))
    if "priority" in rules:
        need["priority"] = draw(st.integers(1, 3))
    if {"distance", "weights"} & rules:
        need["easting_m"], need["northing_m"] = draw(PLACES)
    if "distance" in rules:
        maybe(draw, need, "max_distance_m", st.sampled_from([499, 500, 1_000, 4_000]))
    if "grade" in rules:
        maybe(draw, need, "min_grade", st.integers(1, 2))
    if "attributes" in rules:
        maybe(draw, need, "requires", st.lists(st.sampled_from(ATTRIBUTES), unique=True))
    if "excludes" in rules:
        maybe(draw, need, "excludes", st.lists(st.sampled_from(PROVIDERS), unique=True, max_size=2))
    if "wait" in rules:
        maybe(draw, need, "max_wait_days", st.sampled_from([0, 10, 20]))
    if {"keep_provider", "weights"} & rules and draw(st.booleans()):
        need["current_provider"] = draw(st.sampled_from(PROVIDERS))
        need["keep_provider"] = "keep_provider" in rules and draw(st.booleans())
    if "weights" in rules and draw(st.booleans()):
        own = [weight for weight in policy if weight.startswith("pence_per")]
        need["weights"] = {weight: policy[weight] * draw(st.sampled_from([1, 2])) for weight in own}
    return need


@st.composite
def providers_of(draw: st.DrawFn, name: str, rules: Rules) -> Document:
    provider: Document = {"id": name}
    if "provider_capacity" in rules:
        maybe(draw, provider, "max_units", st.integers(0, 8))
    return provider


@st.composite
def offers_of(draw: st.DrawFn, name: str, bundles: list[str], bands: list[int], rules: Rules) -> Document:
    provider = draw(st.sampled_from(PROVIDERS))
    covered = draw(st.sampled_from([bundles, bundles, bundles[:1], bundles[-1:]]))
    lines = [draw(lines_of(each, bands, rules)) for each in covered]
    offer: Document = {"id": name, "provider": provider, "lines": lines}
    if {"grade", "quality", "weights"} & rules:
        offer["grade"] = draw(st.integers(0, 4))
    if "fee" in rules:
        maybe(draw, offer, "fee_pence", st.sampled_from([1, 17, 50, 100, 200]))
    if "minimum_volume" in rules:
        maybe(draw, offer, "min_units", st.integers(1, 6))
    if "capacity" in rules:
        maybe(draw, offer, "max_units", st.integers(1, 9))
    if "exclusive" in rules and draw(st.booleans()):
        # A group belongs to one provider, so its name says whose it is.
        offer["exclusive"] = f"group of {provider}"
    if "attributes" in rules:
        maybe(draw, offer, "attributes", st.lists(st.sampled_from(ATTRIBUTES), unique=True))
    if {"wait", "weights"} & rules:
        maybe(draw, offer, "first_appointment_days", st.sampled_from([0, 10, 11]))
    if {"distance", "weights"} & rules and draw(st.integers(0, 3)):
        offer["easting_m"], offer["northing_m"] = draw(PLACES)
    if "distance" in rules:
        maybe(draw, offer, "max_distance_m", st.sampled_from([500, 2_000]))
    return offer


@st.composite
def lines_of(draw: st.DrawFn, bundle: str, bands: list[int], rules: Rules) -> Document:
    price = draw(st.sampled_from([75, 80, 90, 100, 105]))
    # Prices mostly fall with volume, but nothing says they must.
    steps = draw(st.lists(st.sampled_from([-20, -10, 0, 5]), min_size=len(bands) - 1, max_size=len(bands) - 1))
    prices = [price + sum(steps[:band]) for band in range(len(bands))]
    tiers = [{"from_units": start, "price_pence": price} for start, price in zip(bands, prices, strict=True)]
    line: Document = {"bundle": bundle, "tiers": tiers}
    if "line_minimum" in rules:
        maybe(draw, line, "min_units", st.integers(1, 4))
    if "line_capacity" in rules:
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
