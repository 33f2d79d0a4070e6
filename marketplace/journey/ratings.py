"""Patients rate whom they were served by; the ratings become evidence beside the regulator's in later tenders."""

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.records import audit
from marketplace.records.contracts import Contract, Rating
from marketplace.rules.clock import Instant
from marketplace.rules.errors import Invalid, WrongState
from marketplace.rules.permissions import Actor, Role, Scope, check_owner, check_scope
from marketplace.rules.quality import PatientEvidence, patient_evidence

from .scopes import locked


def rate(session: Session, now: Instant, actor: Actor, contract_id: str, stars: int, words: str = "") -> Rating:
    """A patient rates a provider, once per contract, after the first confirmed delivery.

    Raises
    ------
    WrongState
        If nothing was confirmed yet, or it was rated already.
    Invalid
        If the stars are not one to five.
    """
    contract = locked(session, Contract, contract_id, "contract")
    check_owner(actor, Role.PATIENT, contract.patient_id, "contract")
    check_scope(actor, Scope.DELIVERIES)
    if type(stars) is not int or not 1 <= stars <= 5:
        raise Invalid("stars_out_of_range", "Choose one to five stars.", place="stars")
    if contract.units_confirmed == 0:
        raise WrongState("nothing_delivered", "You can rate this provider once something was delivered.")
    if session.scalar(select(Rating.id).where(Rating.contract_id == contract.id)) is not None:
        raise WrongState("rated", "You have rated this provider already.")
    rating = Rating(
        contract_id=contract.id, site_id=contract.site_id, stars=stars, words=words.strip() or None, rated_at=now
    )
    session.add(rating)
    session.flush()
    audit.append(session, now, actor, "contract.rated", contract.id, stars=stars)
    return rating


def evidence_of(session: Session, site_ids: Collection[str]) -> dict[str, PatientEvidence]:
    """What patients' ratings say of each of these sites."""
    stars_of: dict[str, list[int]] = defaultdict(list)
    query = select(Rating.site_id, Rating.stars).where(Rating.site_id.in_(site_ids))
    for site_id, stars in session.execute(query):
        stars_of[site_id].append(stars)
    return {site_id: patient_evidence(stars_of[site_id]) for site_id in site_ids}
