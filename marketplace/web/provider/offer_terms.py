"""An offer between people and its document: `form_for` makes the form, `check` reads it, `as_typed` writes one back.

The form asks for the volume bands once and for a price in each band lot by lot; `form_for` writes the bands into every
line before the schema reads it, because an offer's document states them there. The page and the spreadsheet
(`offer_sheet`) speak the same form, so that they are checked alike.
"""

import re
from collections.abc import Collection, Iterator, Sequence

from flask import request
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from marketplace.journey.offers import check_site, next_number, read_own_offer
from marketplace.queries import offers
from marketplace.queries.notices import Lot
from marketplace.queries.words import one_unit, typed_pounds, units_of
from marketplace.records.offers import Offer, OfferStatus
from marketplace.records.providers import Site
from marketplace.records.tenders import Tender
from marketplace.rules.errors import Invalid, NotFound
from marketplace.rules.permissions import Actor
from marketplace.rules.tendering import OfferTerms, check_offer
from marketplace.schemas.offers import OfferSchema
from marketplace.web.forms import WebForm

BANDS = 4
"""How many volume bands the form has room for."""

AT_HAND = (OfferStatus.STANDING, OfferStatus.DRAFT)
"""The newest version, if it stands or was kept, is what the form starts from."""

ONLY_ONE = "only one"
"""The either/or word of who did not choose one."""

_BAND_OF_LINE = re.compile(r"lines-\d+-tiers-(\d+)-from_units")
_PRICE_IN_BAND = re.compile(r"lines-\d+-tiers-(\d+)-price_pence")


def number_asked(session: Session, actor: Actor, tender_id: str) -> int:
    """Which of the provider's offers on a tender the address asks for; the next number is a further offer.

    Raises
    ------
    NotFound
        If there is none of that number, nor could be yet.
    """
    number = request.args.get("number", default=1, type=int)
    if not 1 <= number <= next_number(session, actor, tender_id):
        raise NotFound("not_found", "We cannot find that offer.")
    return number


def at_hand(
    session: Session, actor: Actor, tender_id: str, number: int, lots: Sequence[Lot]
) -> tuple[Offer | None, MultiDict[str, str]]:
    """The version of an offer that the form starts from, and as it would stand there; none, and nothing typed.

    One that became void is it too, until another version is sealed: nobody need type all of it again.
    """
    own = [row for row in offers.own_offers(session, actor, tender_id) if row.number == number]
    newest = max(own, key=lambda row: row.version, default=None)
    if newest is None or newest.status not in (*AT_HAND, OfferStatus.VOID):
        return None, MultiDict()
    return newest, as_typed(read_own_offer(session, actor, newest.id), lots)


def words_of_others(session: Session, actor: Actor, tender_id: str, number: int) -> dict[int, str]:
    """The provider's other offers on a tender that stand or were kept, by number: their either/or word, or nothing."""
    newest = {
        row.number: row
        for row in sorted(offers.own_offers(session, actor, tender_id), key=lambda row: row.version)
        if row.number != number and row.status in AT_HAND
    }
    return {other: read_own_offer(session, actor, row.id).exclusive or "" for other, row in sorted(newest.items())}


def site_words(site: Site) -> str:
    """A site as the provider chooses it."""
    return f"{site.name}, {site.district}"


def form_for(
    typed: MultiDict[str, str], lots: Sequence[Lot], sites: Sequence[Site], others: Collection[str] = ()
) -> WebForm:
    """The offer's form with what was typed; `others`: the either/or words of the provider's other offers."""
    unit = one_unit(lot.unit for lot in lots)
    return WebForm(
        OfferSchema(),
        _spread(typed, len(lots)),
        choices={
            "site_id": [(site.id, site_words(site)) for site in sites],
            "exclusive": _either_or({*others, typed.get("exclusive", "")}),
        },
        beside=[f"bands-{band}" for band in range(1, BANDS)],
        told_as={
            "fee_pence": "Fixed fee",
            "max_distance_m": "How far you go",
            "min_units": f"Fewest {units_of(unit)} in all",
            "max_units": f"Most {units_of(unit)} in all",
            **{f"bands-{band}": f"Band {band + 1} from" for band in range(1, BANDS)},
            **{name: words for number, lot in enumerate(lots) for name, words in _told_as(number, lot)},
        },
    )


def price_words(band: int, unit: str) -> str:
    """What a price is called beside its field."""
    return f"Price per {unit}" if band == 0 else f"Price in band {band + 1}"


def _either_or(words: Collection[str]) -> list[tuple[str, str]]:
    """The ways to say of which offers only one may be used; a word is asked of nobody who has no use for two."""
    groups = sorted(word for word in words if word) or [ONLY_ONE]
    yes = "Yes, only one of the offers that say so" if groups == [ONLY_ONE] else "Yes, only one of those that say “{}”"
    return [("", "No, this one may be used beside my others"), *((word, yes.format(word)) for word in groups)]


def _told_as(number: int, lot: Lot) -> Iterator[tuple[str, str]]:
    """The fields of one lot, as the summary above the form tells them from another lot's."""
    start, group = f"lines-{number}", f"{lot.service}, {lot.area}"
    for band in range(BANDS):
        words = price_words(band, lot.unit)
        yield f"{start}-tiers-{band}-price_pence", f"{group}, {words[:1].lower()}{words[1:]}"
    yield f"{start}-min_units", f"{group}, fewest {units_of(lot.unit)}"
    yield f"{start}-max_units", f"{group}, most {units_of(lot.unit)}"


def check(session: Session, actor: Actor, tender: Tender, form: WebForm) -> bool:
    """The schema, then the rules that a form cannot know; messages about bands go to the bands."""
    sound = form.validate()
    if sound:
        try:
            check_offer(form.data, [bundle.id for bundle in tender.lots])
            check_site(session, actor.party_id, tender, form.data)
        except Invalid as error:
            refuse(form, error)
            sound = False
    messages, form.errors = form.errors, {}
    for name, message in messages.items():
        _refuse_in_the_form(form, name, message)
    return sound


def _refuse_in_the_form(form: WebForm, name: str, message: str) -> None:
    """Show a message about the document at the field that the form has for it."""
    if name == "lines":
        name = "lines-0-tiers-0-price_pence"
    elif (band := _BAND_OF_LINE.fullmatch(name)) and band[1] != "0":
        name = f"bands-{band[1]}"
        if not form.value(name):
            message = f"Enter from which volume on the price in band {int(band[1]) + 1} counts"
    elif (price := _PRICE_IN_BAND.fullmatch(name)) and price[1] != "0" and not form.value(name):
        number = int(price[1]) + 1
        message = f"Enter the price in band {number}, or clear “Band {number} from”"
    form.refuse(name, message)


def refuse(form: WebForm, error: Invalid) -> None:
    """Show a rule's refusal where the form asks for what is wrong."""
    if error.code == "bands_differ":
        form.refuse("bands-1", error.message)
    else:
        form.refuse_for(error)


def as_typed(terms: OfferTerms, lots: Sequence[Lot]) -> MultiDict[str, str]:
    """An offer as it would stand in the form."""
    typed: MultiDict[str, str] = MultiDict()
    typed["site_id"] = terms.site_id
    typed["fee_pence"] = typed_pounds(terms.fee_pence) if terms.fee_pence else ""
    typed["min_units"] = str(terms.min_units or "")
    typed["max_units"] = str(terms.max_units or "")
    typed["max_distance_m"] = str(terms.max_distance_m // 1000) if terms.max_distance_m else ""
    typed["exclusive"] = terms.exclusive or ""
    for band, start in enumerate(terms.bands[1:], start=1):
        typed[f"bands-{band}"] = str(start)
    number_of = {lot.bundle_id: number for number, lot in enumerate(lots)}
    for line in terms.lines:
        place = f"lines-{number_of[line.bundle]}"
        typed[f"{place}-bundle"] = line.bundle
        typed[f"{place}-min_units"] = str(line.min_units or "")
        typed[f"{place}-max_units"] = str(line.max_units or "")
        for band, tier in enumerate(line.tiers):
            typed[f"{place}-tiers-{band}-price_pence"] = typed_pounds(tier.price_pence)
    return typed


def _spread(typed: MultiDict[str, str], lots: int) -> MultiDict[str, str]:
    """Write the bands, typed once, into every line that has a price or a limit; a lot without is not offered for."""
    spread = MultiDict(typed)
    for lot in range(lots):
        prices = [spread.get(f"lines-{lot}-tiers-{band}-price_pence", "").strip() for band in range(BANDS)]
        limits = [spread.get(f"lines-{lot}-{name}", "").strip() for name in ("min_units", "max_units")]
        if not any(prices + limits):
            for name in [name for name in spread if name.startswith(f"lines-{lot}-")]:
                del spread[name]
            continue
        for band, price in enumerate(prices):
            start = "0" if band == 0 else spread.get(f"bands-{band}", "").strip()
            if price or (start and band):
                spread[f"lines-{lot}-tiers-{band}-from_units"] = start
    return spread
