"""One patient's match, with everything the decision needs: `match_page`; or why there is none: `no_match`.

The reasons are those stored when the round was recorded; here they only get names and words.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, contains_eager, defer, joinedload

from marketplace.journey.proofs import published_round_id
from marketplace.journey.ratings import evidence_of
from marketplace.journey.rounds import latest_round_id
from marketplace.journey.scopes import matches_for, one
from marketplace.journey.sites import facts_said, has_moved
from marketplace.records.catalogue import Service
from marketplace.records.contracts import Contract
from marketplace.records.offers import Offer, OfferStatus
from marketplace.records.people import Patient
from marketplace.records.pools import DefaultAnswer, Need, NeedStatus
from marketplace.records.providers import Provider, Site
from marketplace.records.rounds import Award, Match, Round
from marketplace.records.tenders import Decision, Tender
from marketplace.rules.clock import Instant
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.money import Pence
from marketplace.rules.permissions import Actor
from marketplace.rules.quality import PatientEvidence
from marketplace.rules.sites import SiteFacts, metres_between

from . import reasons
from .maps import People, RingMap, pin_of, ring_map
from .objections import Decided, decision_on
from .stages import OVER, Stage, again_by, is_looked_for, is_searched_again, latest_match_id, stage_of
from .way import answer_if_silent, answered_for
from .words import one_unit

_WITHOUT_DOCUMENTS = (
    contains_eager(Match.award).contains_eager(Award.round).options(defer(Round.market), defer(Round.outcome))
)
"""Market and outcome of a round tell of everybody in it, and take longer to read than all else on one match's page."""


_SENTENCE_ENDS = re.compile(r"(?<=\.) (?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another offer on the same lot, and the one thing that decided against it."""

    provider: str
    place: str
    why: str
    in_reach: bool
    site: SiteFacts

    @property
    def lines(self) -> list[str]:
        """Why, a sentence at a time."""
        return _SENTENCE_ENDS.split(self.why)


@dataclass(frozen=True, slots=True)
class NoMatch:
    """Why nobody was found for a need: in a sentence, and offer by offer; and whether that counts no longer."""

    why: str
    alternatives: Sequence[Alternative]
    made_again: bool
    """Whether the offers are matched again, this need with them."""
    again_by: Instant | None


class Tense(StrEnum):
    """How a match is told of: one that is made again is what would be."""

    IS = "is"
    WOULD = "would"
    WAS = "was"


@dataclass(frozen=True, slots=True)
class MatchPage:
    """A match as its patient sees it; what is said of sites is what the offers say."""

    match: Match
    tender: Tender
    service: Service
    provider: Provider
    site: SiteFacts
    distance_m: int
    alternatives: Sequence[Alternative]
    stage: Stage
    looked_for: bool
    """Whether another provider may still be found in this group, after a no."""
    silence_means_yes: bool
    evidence: PatientEvidence
    map: RingMap | None
    can_check: bool
    contract_id: str | None
    newer_id: str | None
    """The match that has taken the place of this one."""
    objection: Decided | None
    moved_to: Site | None
    """Where the place is now, if it has moved since the offer was made."""

    @property
    def can_answer(self) -> bool:
        """Whether the patient may say yes or no now."""
        return self.stage is Stage.ANSWER

    @property
    def tense(self) -> Tense:
        """Whether it is told as what is, as what would be, or as what was."""
        if self.is_over:
            return Tense.WAS
        return Tense.WOULD if self.made_again else Tense.IS

    @property
    def offer_left_out(self) -> bool:
        """Whether it is made again because its own offer was left out: then it cannot come out the same."""
        return self.made_again and self.match.award.offer.status is OfferStatus.EXCLUDED

    @property
    def was_left_out(self) -> bool:
        """Whether nothing came of it, and its offer was left out: that stays part of why."""
        ended = self.stage in (Stage.REPLACED, Stage.ENDED)
        return ended and self.match.award.offer.status is OfferStatus.EXCLUDED

    @property
    def others_offered(self) -> bool:
        """Whether another provider made an offer for the group: without one, looking again can find nobody."""
        return any(row.provider != self.provider.name for row in self.alternatives)

    @property
    def result_stands(self) -> bool:
        """Whether an objection to the result was refused, and the pause goes on after it."""
        refused = self.objection is not None and self.objection.decision is Decision.REFUSED
        return refused and self.tender.status is TenderStatus.STANDSTILL

    @property
    def is_over(self) -> bool:
        """Whether nothing comes of it any more."""
        return self.stage in OVER or self.offer_left_out

    @property
    def again_by(self) -> Instant | None:
        """Until when the offers must be matched again, where that has a day for a patient."""
        return again_by(self.tender)

    @property
    def moved_m(self) -> int:
        """How far the patient has to go to where the place is now."""
        return 0 if self.moved_to is None else _apart(self.match.need.patient, self.moved_to)

    @property
    def place(self) -> str:
        """Where it is, without the provider's name said twice."""
        return _place(self.provider, self.site) or self.site.name

    @property
    def answered_for(self) -> bool:
        """Whether the patient was silent, and the answer was given for them."""
        return answered_for(self.match)

    @property
    def searched_again(self) -> bool:
        """Whether no other provider was found so far, and the offers are matched again."""
        return is_searched_again(self.match.need)

    @property
    def made_again(self) -> bool:
        """Whether the match counts no longer, and is made again for those who are still in it."""
        return self.stage is Stage.AGAIN

    @property
    def units(self) -> int:
        """How many units the match is for."""
        return self.match.need.units

    @property
    def conventional_pence(self) -> Pence:
        """The same units as the conventional package."""
        return self.units * self.match.need.bundle.conventional_pence

    @property
    def alone_pence(self) -> Pence:
        """The same units bought one by one."""
        return self.units * self.match.need.bundle.private_pence


def match_page(session: Session, actor: Actor, now: Instant, match_id: str) -> MatchPage:
    """One of the patient's own matches."""
    match = one(session, matches_for(actor).options(_WITHOUT_DOCUMENTS), match_id, "match")
    offer = match.award.offer
    site, site_id = facts_said(offer), offer.site_id or ""
    patient, need = match.need.patient, match.need
    tender = match.award.round.tender
    contract_id = session.scalar(select(Contract.id).where(Contract.match_id == match.id))
    stage = stage_of(match, now, has_contract=contract_id is not None)
    left_out = stage is Stage.AGAIN and offer.status is OfferStatus.EXCLUDED
    over = stage in OVER or left_out
    alternatives = _named(session, need.bundle.tender, (match.reasons or {}).get("alternatives", []), over=over)
    newest_id = latest_match_id(session, need.id)
    pins = [pin_of(offer.provider.name, site, chosen=True, distance_m=_apart(patient, site))]
    pins += [pin_of(row.provider, row.site, distance_m=_apart(patient, row.site)) for row in alternatives]
    return MatchPage(
        match=match,
        tender=tender,
        service=need.bundle.service,
        provider=offer.provider,
        site=site,
        distance_m=_apart(patient, site),
        alternatives=alternatives,
        stage=stage,
        looked_for=is_looked_for(session, match),
        silence_means_yes=answer_if_silent(need.consents) is DefaultAnswer.ACCEPT,
        evidence=evidence_of(session, [site_id])[site_id],
        can_check=published_round_id(session, tender) == match.award.round_id,
        contract_id=contract_id,
        newer_id=None if newest_id == match.id else newest_id,
        moved_to=offer.site if has_moved(offer) else None,
        objection=decision_on(session, tender),
        map=ring_map([People(patient.easting_m, patient.northing_m)], pins),
    )


def no_match(session: Session, need: Need) -> NoMatch | None:
    """Why the latest round found nobody for a need, or did before it was released; None where it found somebody."""
    if need.status not in (NeedStatus.UNMATCHED, NeedStatus.RELEASED):
        return None
    outcome = session.scalar(select(Round.outcome).where(Round.id == latest_round_id(session, need.bundle.tender_id)))
    found = next((line for line in (outcome or {}).get("unmatched", []) if line["need"] == need.id), None)
    if found is None:
        return None
    return NoMatch(
        why=reasons.to_the_unmatched(found["reason"]),
        alternatives=_named(
            session, need.bundle.tender, found.get("refusals", []), over=need.status is NeedStatus.RELEASED
        ),
        made_again=is_searched_again(need),
        again_by=again_by(need.bundle.tender),
    )


def _named(session: Session, tender: Tender, rows: Sequence[Mapping[str, Any]], *, over: bool) -> list[Alternative]:
    """Who made these offers and why each was not it, whatever came nearest first."""
    unit = one_unit(lot.service.unit for lot in tender.lots)
    query = select(Offer).where(Offer.id.in_([row["offer"] for row in rows]))
    said = {
        offer.id: (offer.provider, facts_said(offer))
        for offer in session.scalars(query.options(joinedload(Offer.provider)))
    }
    return [
        Alternative(
            provider=said[row["offer"]][0].name,
            place=_place(*said[row["offer"]]),
            why=reasons.alternative(row, unit, over=over),
            in_reach=row["rule"] != "distance",
            site=said[row["offer"]][1],
        )
        for row in sorted(rows, key=reasons.how_far_behind)
    ]


def _apart(patient: Patient, site: SiteFacts | Site) -> int:
    """How far a patient has to go, in metres."""
    return metres_between(patient.easting_m, patient.northing_m, site.easting_m, site.northing_m)


def _place(provider: Provider, site: SiteFacts) -> str:
    """Where the offer is from, without the provider's name said twice."""
    return site.name.removeprefix(provider.name).lstrip(" ,")
