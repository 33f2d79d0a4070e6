"""Patients rate whom they were served by; the ratings become evidence beside the regulator's in later tenders.

Stars are counted with those of others, and never shown alone. Words are read by the patient's commissioner; by the
provider only with the patient's yes, without a name, once enough people have rated.
"""

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.records import audit
from marketplace.records.contracts import Contract, Rating
from marketplace.rules.clock import Instant
from marketplace.rules.errors import Invalid, WrongState
from marketplace.rules.permissions import Actor, Role, Scope, check_owner, check_scope
from marketplace.rules.privacy import K
from marketplace.rules.quality import WORDS_FROM, PatientEvidence, patient_evidence, words_to_tell

from .scopes import locked


def rate(
    session: Session,
    now: Instant,
    actor: Actor,
    contract_id: str,
    stars: int,
    words: str = "",
    *,
    provider_may_read: bool = False,
) -> Rating:
    """A patient rates a provider, once per contract, after the first confirmed delivery.

    The audit trail notes that it was done, and neither stars nor words.

    Raises
    ------
    WrongState
        If nothing was confirmed yet, or it was rated already.
    Invalid
        If the stars are not one to five.
    """
    contract = _own(session, actor, contract_id)
    if type(stars) is not int or not 1 <= stars <= 5:
        raise Invalid("stars_out_of_range", "Choose one to five stars.", place="stars")
    if contract.units_confirmed == 0:
        raise WrongState("nothing_delivered", "You can rate this provider once something was delivered.")
    if session.scalar(select(Rating.id).where(Rating.contract_id == contract.id)) is not None:
        raise WrongState("rated", "You have rated this provider already.")
    written = words.strip() or None
    rating = Rating(
        contract_id=contract.id,
        site_id=contract.site_id,
        stars=stars,
        words=written,
        provider_may_read=provider_may_read and written is not None,
        rated_at=now,
    )
    session.add(rating)
    session.flush()
    audit.append(session, now, actor, "contract.rated", contract.id, provider_may_read=rating.provider_may_read)
    return rating


def keep_back(session: Session, now: Instant, actor: Actor, contract_id: str) -> Rating:
    """A patient takes back the yes to the provider's reading their words.

    Raises
    ------
    WrongState
        If the provider may not read any.
    """
    contract = _own(session, actor, contract_id)
    rating = session.scalar(select(Rating).where(Rating.contract_id == contract.id))
    if rating is None or not rating.provider_may_read:
        raise WrongState("nothing_to_keep_back", "Your provider may not read what you wrote.")
    rating.provider_may_read = False
    audit.append(session, now, actor, "contract.rating_kept_back", contract.id)
    return rating


def evidence_of(session: Session, site_ids: Collection[str]) -> dict[str, PatientEvidence]:
    """What patients' ratings say of each of these sites."""
    stars_of: dict[str, list[int]] = defaultdict(list)
    query = select(Rating.site_id, Rating.stars).where(Rating.site_id.in_(site_ids))
    for site_id, stars in session.execute(query.order_by(Rating.rated_at, Rating.id)):
        stars_of[site_id].append(stars)
    return {site_id: patient_evidence(stars_of[site_id]) for site_id in site_ids}


def words_told(session: Session, site_ids: Collection[str]) -> dict[str, list[str]]:
    """What the provider of these sites may read, site by site, of what the latest `WORDS_FROM` patients wrote.

    The database leaves out who rated before them, so that a page does not grow with the years, and who came after the
    last whole group.
    """
    in_turn = func.row_number().over(partition_by=Rating.site_id, order_by=(Rating.rated_at, Rating.id))
    in_all = func.count().over(partition_by=Rating.site_id)
    numbered = (
        select(Rating.site_id, Rating.words, Rating.provider_may_read, in_turn.label("turn"), in_all.label("rated"))
        .where(Rating.site_id.in_(site_ids))
        .subquery()
    )
    rows = numbered.c
    whole = rows.rated - rows.rated % K
    query = select(rows.site_id, rows.words, rows.provider_may_read)
    written: dict[str, list[str | None]] = defaultdict(list)
    for site_id, words, may_read in session.execute(
        query.where(rows.turn <= whole, rows.turn > whole - WORDS_FROM).order_by(rows.site_id, rows.turn)
    ):
        written[site_id].append(words if may_read else None)
    return {site_id: words_to_tell(written[site_id]) for site_id in site_ids}


def _own(session: Session, actor: Actor, contract_id: str) -> Contract:
    contract = locked(session, Contract, contract_id, "contract")
    check_owner(actor, Role.PATIENT, contract.patient_id, "contract")
    check_scope(actor, Scope.DELIVERIES)
    return contract
