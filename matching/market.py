"""One tender's round as values: policy, bundles, needs, providers, offers, and optionally the eligible pairs.

`read_market` checks a market/1 document and hands over a `Market`; `Market.document` writes it back in one settled
form (lists sorted by id, defaults filled in, no nulls), and `Market.sha256` is the hash of that form without the
seed. Everything else in this library starts from a `Market`.

Defaults, where a key is absent or null: weights, fee, minimum units and grades 0; `best_grade` 4; priority 1;
`min_providers` and `target_grade_permille` 0 (no demand); every other limit none; pooling ``own_budget``;
unmatched ``coverage_first``; `weight_bounds_permille` [1000, 1000]; seed 0; `service` empty.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

from matching.errors import DocumentError
from matching.reading import MAX_METRES, MAX_PENCE, Record, Source, load, whole

FORMAT = "market/1"
POOLINGS = ("own_budget", "shared_pool")
UNMATCHED = ("coverage_first", "reserve")
WEIGHTS = ("pence_per_quality_grade", "pence_per_km", "pence_per_change", "pence_per_wait_day")
MAX_WEIGHT_PENCE = 10**7
MAX_PERMILLE = 10**6
MAX_PRIORITY = 10**9


@dataclass(frozen=True)
class Policy:
    """The rules and weights that the broker published with the tender."""

    pooling: str = "own_budget"
    unmatched: str = "coverage_first"
    pence_per_quality_grade: int = 0
    pence_per_km: int = 0
    pence_per_change: int = 0
    pence_per_wait_day: int = 0
    best_grade: int = 4
    weight_bounds_permille: tuple[int, int] = (1000, 1000)
    seed: int = 0


@dataclass(frozen=True)
class Bundle:
    """The needs a broker has pooled into one lot."""

    id: str
    service: str = ""
    min_grade: int = 0
    min_providers: int = 0
    max_providers: int | None = None
    max_share_permille: int | None = None
    target_grade_permille: int = 0


@dataclass(frozen=True)
class Need:
    """One patient's demand for one service; `weights` replace the policy's where given."""

    id: str
    bundle: str
    units: int
    budget_pence: int
    priority: int = 1
    reserve_pence: int | None = None
    easting_m: int | None = None
    northing_m: int | None = None
    max_distance_m: int | None = None
    min_grade: int = 0
    requires: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    current_provider: str | None = None
    keep_provider: bool = False
    max_wait_days: int | None = None
    weights: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Provider:
    """Somebody who bids; `max_units` is what remains of their capacity over all their offers."""

    id: str
    max_units: int | None = None


@dataclass(frozen=True)
class Tier:
    """A band of the offer's total units, from `from_units` to the next band; all units at `price_pence`."""

    from_units: int
    price_pence: int


@dataclass(frozen=True)
class Line:
    """An offer's part for one bundle."""

    bundle: str
    tiers: tuple[Tier, ...]
    min_units: int = 0
    max_units: int | None = None


@dataclass(frozen=True)
class Offer:
    """One sealed bid of one provider on one or more bundles."""

    id: str
    provider: str
    lines: tuple[Line, ...]
    fee_pence: int = 0
    min_units: int = 0
    max_units: int | None = None
    grade: int = 0
    exclusive: str | None = None
    attributes: tuple[str, ...] = ()
    first_appointment_days: int | None = None
    easting_m: int | None = None
    northing_m: int | None = None
    max_distance_m: int | None = None


@dataclass(frozen=True)
class Pair:
    """An eligible combination stated in the document; `price_pence` is the price of the whole need."""

    need: str
    offer: str
    extra_cost_pence: int = 0
    price_pence: int | None = None


@dataclass(frozen=True)
class Market:
    """A whole market; every list is sorted by id, so the order in a document means nothing."""

    policy: Policy
    bundles: tuple[Bundle, ...]
    needs: tuple[Need, ...]
    providers: tuple[Provider, ...]
    offers: tuple[Offer, ...]
    pairs: tuple[Pair, ...] | None = None

    @cached_property
    def bundle_by_id(self) -> dict[str, Bundle]:
        """Find a bundle."""
        return {bundle.id: bundle for bundle in self.bundles}

    @cached_property
    def need_by_id(self) -> dict[str, Need]:
        """Find a need."""
        return {need.id: need for need in self.needs}

    @cached_property
    def provider_by_id(self) -> dict[str, Provider]:
        """Find a provider."""
        return {provider.id: provider for provider in self.providers}

    @cached_property
    def offer_by_id(self) -> dict[str, Offer]:
        """Find an offer."""
        return {offer.id: offer for offer in self.offers}

    def document(self) -> dict[str, Any]:
        """Write the market/1 document: defaults filled in, lists sorted, no nulls."""
        document: dict[str, Any] = {"format": FORMAT, "policy": plain(self.policy)}
        for name in ("bundles", "needs", "providers", "offers"):
            document[name] = [plain(member) for member in getattr(self, name)]
        if self.pairs is not None:
            document["pairs"] = [plain(pair) for pair in self.pairs]
        return document

    @cached_property
    def sha256(self) -> str:
        """The hash of the canonical form: the document without `policy.seed`, keys sorted, no spaces."""
        document = self.document()
        del document["policy"]["seed"]
        canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode("utf-8")).hexdigest()


def plain(value: Any) -> Any:
    """Turn a frozen value into JSON's own types, leaving out what is None."""
    if isinstance(value, tuple):
        return [plain(member) for member in value]
    if isinstance(value, Mapping):
        return {key: plain(value[key]) for key in sorted(value)}
    if hasattr(value, "__dataclass_fields__"):
        pairs = ((item.name, getattr(value, item.name)) for item in fields(value))
        return {name: plain(member) for name, member in pairs if member is not None}
    return value


def read_market(source: Source) -> Market:
    """Read and check a market/1 document.

    Parameters
    ----------
    source
        The document as a mapping, JSON text or bytes, or a `Path`.

    Raises
    ------
    DocumentError
        With the place and the remedy: unknown keys, wrong types, duplicates, unknown references, bad bands.
    """
    record = Record(load(source), "")
    record.choice("format", [FORMAT])
    policy = _policy(record.record_or_empty("policy"))
    bundles = _by_id([_bundle(member) for member in record.records("bundles")], "bundles")
    providers = _by_id([_provider(member) for member in record.records("providers")], "providers")
    needs = [_need(member, policy, bundles) for member in record.records("needs")]
    offers = [_offer(member, bundles, providers) for member in record.records("offers")]
    needs_by_id, offers_by_id = _by_id(needs, "needs"), _by_id(offers, "offers")
    pairs = [_pair(member, needs_by_id, offers_by_id) for member in record.records("pairs", default_empty=True)]
    explicit = record.has("pairs")
    record.close()
    _check_exclusive_groups(offers)
    _check_pairs_differ(pairs)
    return Market(
        policy=policy,
        bundles=_sorted(bundles),
        needs=_sorted(needs_by_id),
        providers=_sorted(providers),
        offers=_sorted(offers_by_id),
        pairs=tuple(sorted(pairs, key=lambda pair: (pair.need, pair.offer))) if explicit else None,
    )


def _sorted(by_id: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(by_id[key] for key in sorted(by_id))


def _by_id(members: list[Any], place: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for position, member in enumerate(members):
        if member.id in found:
            message = f"{member.id!r} is taken: choose another"
            raise DocumentError("duplicate_id", f"{place}[{position}].id", message, {"id": member.id})
        found[member.id] = member
    return found


def _known(record: Record, name: str, known: Iterable[str], what: str) -> str:
    value = record.text(name)
    if value not in known:
        message = f"names {value!r}, which is no {what} of this market: add it or correct the name"
        raise DocumentError("unknown_reference", record.at(name), message, {"id": value})
    return value


def _policy(record: Record) -> Policy:
    bounds = [(member, place) for member, place in record.items("weight_bounds_permille", default_empty=True)]
    low_high = tuple(whole(member, place, 0, MAX_PERMILLE) for member, place in bounds) or (1000, 1000)
    if len(low_high) != 2 or low_high[0] > low_high[1]:
        place = record.at("weight_bounds_permille")
        raise DocumentError("bad_bounds", place, "must be two numbers, the lower one first")
    policy = Policy(
        pooling=record.choice("pooling", POOLINGS, "own_budget"),
        unmatched=record.choice("unmatched", UNMATCHED, "coverage_first"),
        best_grade=record.whole_or("best_grade", 4),
        weight_bounds_permille=(low_high[0], low_high[1]),
        seed=record.whole_or("seed", 0, maximum=2**64 - 1),
        **{name: record.whole_or(name, 0, maximum=MAX_WEIGHT_PENCE) for name in WEIGHTS},
    )
    record.close()
    return policy


def _bundle(record: Record) -> Bundle:
    bundle = Bundle(
        id=record.text("id"),
        service=record.text_or("service", ""),
        min_grade=record.whole_or("min_grade", 0),
        min_providers=record.whole_or("min_providers", 0),
        max_providers=record.optional_whole("max_providers"),
        max_share_permille=record.optional_whole("max_share_permille", maximum=1000),
        target_grade_permille=record.whole_or("target_grade_permille", 0, maximum=MAX_PERMILLE),
    )
    record.close()
    return bundle


def _provider(record: Record) -> Provider:
    provider = Provider(id=record.text("id"), max_units=record.optional_whole("max_units"))
    record.close()
    return provider


def _place_of(record: Record) -> tuple[int | None, int | None]:
    """Read a place: both coordinates or neither."""
    easting_m = record.optional_whole("easting_m", minimum=-MAX_METRES, maximum=MAX_METRES)
    northing_m = record.optional_whole("northing_m", minimum=-MAX_METRES, maximum=MAX_METRES)
    if (easting_m is None) != (northing_m is None):
        absent = "easting_m" if easting_m is None else "northing_m"
        raise DocumentError("half_a_place", record.at(absent), "is missing: give both coordinates or neither")
    return easting_m, northing_m


def _need(record: Record, policy: Policy, bundles: Mapping[str, Bundle]) -> Need:
    easting_m, northing_m = _place_of(record)
    need = Need(
        id=record.text("id"),
        bundle=_known(record, "bundle", bundles, "bundle"),
        units=record.whole("units", minimum=1),
        budget_pence=record.whole("budget_pence", maximum=MAX_PENCE),
        priority=record.whole_or("priority", 1, minimum=1, maximum=MAX_PRIORITY),
        reserve_pence=record.optional_whole("reserve_pence", maximum=MAX_PENCE),
        easting_m=easting_m,
        northing_m=northing_m,
        max_distance_m=record.optional_whole("max_distance_m", maximum=MAX_METRES),
        min_grade=record.whole_or("min_grade", 0),
        requires=record.texts("requires"),
        excludes=record.texts("excludes"),
        current_provider=record.optional_text("current_provider"),
        keep_provider=record.truth("keep_provider"),
        max_wait_days=record.optional_whole("max_wait_days"),
        weights=_weights(record.record_or_empty("weights"), policy),
    )
    record.close()
    if need.keep_provider and need.current_provider is None:
        place = record.at("keep_provider")
        raise DocumentError("nobody_to_keep", place, "needs a current_provider: name it, or leave keep_provider out")
    if policy.unmatched == "reserve" and need.reserve_pence is None:
        place = record.at("reserve_pence")
        raise DocumentError("missing", place, "is missing: with unmatched 'reserve' every need states what it costs")
    return need


def _weights(record: Record, policy: Policy) -> dict[str, int]:
    """Read a patient's own weights, each within the published bounds of the policy's."""
    low, high = policy.weight_bounds_permille
    weights: dict[str, int] = {}
    for name in WEIGHTS:
        value = record.optional_whole(name, maximum=MAX_WEIGHT_PENCE)
        if value is None:
            continue
        published = getattr(policy, name)
        if not low * published <= 1000 * value <= high * published:
            message = f"must lie between {low} and {high} per mille of the policy's {published}"
            facts = {"value": value, "policy": published, "low_permille": low, "high_permille": high}
            raise DocumentError("weight_out_of_bounds", record.at(name), message, facts)
        weights[name] = value
    record.close()
    return weights


def _offer(record: Record, bundles: Mapping[str, Bundle], providers: Mapping[str, Provider]) -> Offer:
    easting_m, northing_m = _place_of(record)
    offer = Offer(
        id=record.text("id"),
        provider=_known(record, "provider", providers, "provider"),
        fee_pence=record.whole_or("fee_pence", 0, maximum=MAX_PENCE),
        min_units=record.whole_or("min_units", 0),
        max_units=record.optional_whole("max_units"),
        grade=record.whole_or("grade", 0),
        exclusive=record.optional_text("exclusive"),
        attributes=record.texts("attributes"),
        first_appointment_days=record.optional_whole("first_appointment_days"),
        easting_m=easting_m,
        northing_m=northing_m,
        max_distance_m=record.optional_whole("max_distance_m", maximum=MAX_METRES),
        lines=_lines(record, bundles),
    )
    record.close()
    return offer


def _lines(offer: Record, bundles: Mapping[str, Bundle]) -> tuple[Line, ...]:
    """Read an offer's lines: each bundle once, all with the same bands."""
    lines: dict[str, Line] = {}
    bands: list[int] | None = None
    for record in offer.records("lines"):
        line = Line(
            bundle=_known(record, "bundle", bundles, "bundle"),
            min_units=record.whole_or("min_units", 0),
            max_units=record.optional_whole("max_units"),
            tiers=_tiers(record),
        )
        record.close()
        if line.bundle in lines:
            message = f"names {line.bundle!r} a second time: one line for each bundle"
            raise DocumentError("duplicate", record.at("bundle"), message, {"id": line.bundle})
        starts = [tier.from_units for tier in line.tiers]
        if bands is not None and starts != bands:
            message = "must have the same from_units as the offer's other lines: bands are of the offer's total"
            raise DocumentError("bands_differ", record.at("tiers"), message)
        bands = starts
        lines[line.bundle] = line
    if not lines:
        raise DocumentError("empty_list", offer.at("lines"), "must have at least one line")
    return _sorted(lines)


def _tiers(line: Record) -> tuple[Tier, ...]:
    tiers: list[Tier] = []
    for record in line.records("tiers"):
        price_pence = record.whole("price_pence", maximum=MAX_PENCE)
        tiers.append(Tier(from_units=record.whole("from_units"), price_pence=price_pence))
        record.close()
    starts = [tier.from_units for tier in tiers]
    if not starts or min(starts) != 0 or len(set(starts)) < len(starts):
        message = "bands must start at 0 and not overlap: state from_units 0, then each higher start once"
        raise DocumentError("bad_bands", line.at("tiers"), message)
    return tuple(sorted(tiers, key=lambda tier: tier.from_units))


def _pair(record: Record, needs: Mapping[str, Need], offers: Mapping[str, Offer]) -> Pair:
    pair = Pair(
        need=_known(record, "need", needs, "need"),
        offer=_known(record, "offer", offers, "offer"),
        extra_cost_pence=record.whole_or("extra_cost_pence", 0, minimum=-MAX_PENCE, maximum=MAX_PENCE),
        price_pence=record.optional_whole("price_pence", maximum=MAX_PENCE),
    )
    record.close()
    bundle = needs[pair.need].bundle
    if all(line.bundle != bundle for line in offers[pair.offer].lines):
        message = f"offer {pair.offer!r} has no line for bundle {bundle!r}: add the line or remove the pair"
        raise DocumentError("no_line", record.place, message, {"offer": pair.offer, "bundle": bundle})
    return pair


def _check_pairs_differ(pairs: list[Pair]) -> None:
    seen: set[tuple[str, str]] = set()
    for position, pair in enumerate(pairs):
        if (pair.need, pair.offer) in seen:
            message = f"need {pair.need!r} and offer {pair.offer!r} stand twice: state each pair once"
            raise DocumentError("duplicate", f"pairs[{position}]", message, {"need": pair.need, "offer": pair.offer})
        seen.add((pair.need, pair.offer))


def _check_exclusive_groups(offers: list[Offer]) -> None:
    owner: dict[str, str] = {}
    for position, offer in enumerate(offers):
        if offer.exclusive is not None and owner.setdefault(offer.exclusive, offer.provider) != offer.provider:
            message = f"group {offer.exclusive!r} belongs to provider {owner[offer.exclusive]!r}: choose another name"
            raise DocumentError("foreign_group", f"offers[{position}].exclusive", message, {"group": offer.exclusive})
