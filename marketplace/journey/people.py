"""Who takes part: the commissioner admits patients, brokers and providers; a patient chooses a broker."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.adapters.identity import normal_nhs_number
from marketplace.records import audit
from marketplace.records.base import new_id
from marketplace.records.outbox import tell
from marketplace.records.people import Broker, BrokerMove, Commissioner, Patient, PatientCondition
from marketplace.records.pools import Bundle, Need
from marketplace.records.providers import Provider, Site
from marketplace.records.tenders import Tender
from marketplace.rules.clock import Instant, london_date
from marketplace.rules.contacts import Contact, check_contact
from marketplace.rules.errors import Conflict, Invalid, NotFound
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.permissions import Actor, Role, Scope, check_owner, check_role, check_scope
from marketplace.rules.quality import grade_of
from marketplace.rules.support import check_facts

from .contacts import digest_of, tidy, write_contact
from .keys import keyring_of
from .pools import CAN_BE_LEFT, leave_pool
from .scopes import locked
from .sites import check_site_name_free, checked_rating_date


@dataclass(frozen=True, slots=True)
class PatientDetails:
    """What is kept of a patient; the place is the centre of a postcode district, give or take, never an address."""

    name: str
    nhs_number: str
    birth_year: int
    district: str
    easting_m: int
    northing_m: int
    deprivation_decile: int | None = None
    lacks_capacity: bool = False
    conditions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SiteDetails:
    """One place of a provider, with the evidence of its quality as published."""

    name: str
    district: str
    easting_m: int
    northing_m: int
    services: tuple[str, ...]
    attributes: tuple[str, ...] = ()
    rating: str | None = None
    rating_date: date | None = None
    grade: int = 0
    first_appointment_days: int | None = None


def found_commissioner(session: Session, name: str) -> Commissioner:
    """The first party of an installation: the funder."""
    commissioner = Commissioner(name=name)
    session.add(commissioner)
    session.flush()
    return commissioner


def approve_broker(session: Session, now: Instant, actor: Actor, name: str, contact: Contact | None = None) -> Broker:
    """Admit a broker, with how it is reached if that is known: it can state it itself (`contacts.state_contact`).

    Raises
    ------
    Invalid
        If a contact is given with neither a telephone number nor an e-mail address, or one does not look like one.
    Conflict
        If one of that name is admitted already.
    """
    check_role(actor, Role.COMMISSIONER)
    _check_name_free(session, Broker, name)
    broker = Broker(name=name, commissioner_id=actor.party_id, approved_at=now)
    facts = {}
    if contact is not None:
        stated = tidy(contact)
        check_contact(stated)
        write_contact(broker, stated)
        facts["contact_sha256"] = digest_of(stated)
    session.add(broker)
    session.flush()
    audit.append(session, now, actor, "broker.approved", broker.id, **facts)
    return broker


def approve_provider(session: Session, now: Instant, actor: Actor, name: str, sites: list[SiteDetails]) -> Provider:
    """Admit a provider with its sites.

    Raises
    ------
    Invalid
        If it has no site, a grade that is not its rating's, or a rating of no day or of one to come.
    Conflict
        If one of that name is admitted already.
    """
    check_role(actor, Role.COMMISSIONER)
    _check_name_free(session, Provider, name)
    if not sites:
        raise Invalid("no_sites", "A provider works from at least one site.", place="sites")
    provider = Provider(name=name, approved_at=now, suspended_at=None)
    provider.sites = [_site(now, site, f"sites[{at}].") for at, site in enumerate(sites)]
    session.add(provider)
    session.flush()
    audit.append(session, now, actor, "provider.approved", provider.id, sites=len(sites))
    return provider


def add_site(session: Session, now: Instant, actor: Actor, provider_id: str, details: SiteDetails) -> Site:
    """Admit one more place of a provider; it can offer from there at once.

    Raises
    ------
    NotFound, Invalid, Conflict
        If there is no such provider, the grade is not its rating's, its day is to come, or it has a site of that name.
    """
    check_role(actor, Role.COMMISSIONER)
    provider = locked(session, Provider, provider_id, "provider")
    check_site_name_free(provider, details.name)
    site = _site(now, details, "")
    provider.sites.append(site)
    session.flush()
    audit.append(session, now, actor, "provider.site_added", provider.id, site=site.id, grade=site.grade)
    tell(session, now, [provider.id], "site_added", provider.id)
    return site


def _site(now: Instant, details: SiteDetails, place: str) -> Site:
    """A site's row. Its grade is the published rating's and nothing else, and its day is no day to come."""
    if details.grade != grade_of(details.rating):
        message = "The grade must be the published rating's; without a rating it is 0."
        raise Invalid("grade_without_rating", message, place=f"{place}grade", grade=details.grade)
    return Site(
        name=details.name,
        district=details.district,
        easting_m=details.easting_m,
        northing_m=details.northing_m,
        services=list(details.services),
        attributes=list(details.attributes),
        rating=details.rating,
        rating_date=checked_rating_date(details.rating, details.rating_date, london_date(now), f"{place}rating_date"),
        grade=details.grade,
        first_appointment_days=details.first_appointment_days,
    )


def _check_name_free(session: Session, kind: type[Broker | Provider], name: str) -> None:
    if session.scalar(select(kind.id).where(func.lower(kind.name) == name.strip().lower())):
        raise Conflict("organisation_exists", "An organisation of this name is admitted already.", place="name")


def register_patient(session: Session, now: Instant, actor: Actor, details: PatientDetails) -> Patient:
    """Register a budget-holder. The NHS number is encrypted at once and is found again only by its keyed hash.

    Raises
    ------
    Invalid
        If the number's check digit or range is wrong (the number itself is in no message).
    Conflict
        If a patient with this number is registered already.
    """
    return register_patients(session, now, actor, [details])[0]


def register_patients(
    session: Session, now: Instant, actor: Actor, everybody: Sequence[PatientDetails]
) -> list[Patient]:
    """Register many budget-holders at once: all of them, or on the first error none.

    Raises
    ------
    Invalid, Conflict
        As `register_patient` does; also if a number appears twice among them.
    """
    check_role(actor, Role.COMMISSIONER)
    return enrol_all(session, now, actor, everybody, commissioner_id=actor.party_id, broker_id=None)


def enrol(
    session: Session,
    now: Instant,
    actor: Actor,
    details: PatientDetails,
    *,
    commissioner_id: str,
    broker_id: str | None,
) -> Patient:
    """What `register_patient` and `clients.take_on` have in common; each answers for who may do it."""
    return enrol_all(session, now, actor, [details], commissioner_id=commissioner_id, broker_id=broker_id)[0]


def enrol_all(
    session: Session,
    now: Instant,
    actor: Actor,
    everybody: Sequence[PatientDetails],
    *,
    commissioner_id: str,
    broker_id: str | None,
) -> list[Patient]:
    """`enrol` for many, with one look-up and one writing for all."""
    keyring = keyring_of(session)
    numbers = [_checked(details) for details in everybody]
    lookups = [keyring.lookup("nhs_number", number) for number in numbers]
    known = session.scalar(select(Patient.id).where(Patient.nhs_number_lookup.in_(lookups)).limit(1))
    if known is not None or len(set(lookups)) < len(lookups):
        raise Conflict("patient_exists", "A patient with this NHS number is registered already.")
    patients = []
    for details, number, lookup in zip(everybody, numbers, lookups, strict=True):
        patient_id = new_id()
        patient = Patient(
            id=patient_id,
            name=details.name,
            nhs_number_sealed=keyring.lock(f"patients.nhs_number:{patient_id}", number),
            nhs_number_lookup=lookup,
            birth_year=details.birth_year,
            district=details.district,
            easting_m=details.easting_m,
            northing_m=details.northing_m,
            deprivation_decile=details.deprivation_decile,
            lacks_capacity=details.lacks_capacity,
            conditions=[PatientCondition(condition=name) for name in sorted(set(details.conditions))],
            commissioner_id=commissioner_id,
            broker_id=broker_id,
            registered_on=london_date(now),
        )
        session.add(patient)
        audit.append(session, now, actor, "patient.registered", patient.id)
        patients.append(patient)
    session.flush()
    return patients


def _checked(details: PatientDetails) -> str:
    check_facts(details.deprivation_decile, details.conditions)
    number = normal_nhs_number(details.nhs_number)
    if number is None:
        raise Invalid("nhs_number_invalid", "Check the NHS number: it has a digit wrong.", place="nhs_number")
    return number


def choose_broker(session: Session, now: Instant, actor: Actor, broker_id: str) -> Patient:
    """A patient chooses a broker, or another one.

    With a change, pools of the former broker that can still be left are left, and the money is free for the new
    broker's at once. What is past the deadline for offers stays with the broker who runs it, to the end.

    Raises
    ------
    NotFound
        If there is no such broker that takes clients.
    """
    check_role(actor, Role.PATIENT)
    patient = locked(session, Patient, actor.party_id, "patient")
    check_owner(actor, Role.PATIENT, patient.id, "patient")
    check_scope(actor, Scope.BROKER)
    broker = session.get(Broker, broker_id)
    takes_clients = broker is not None and broker.approved_at is not None and broker.suspended_at is None
    if broker is None or not takes_clients or broker.commissioner_id != patient.commissioner_id:
        raise NotFound("not_found", "We cannot find that broker, or it takes no new clients.")
    if patient.broker_id == broker.id:
        return patient
    left = _leave_what_can_be_left(session, now, actor, patient) if patient.broker_id else 0
    former_id, patient.broker_id = patient.broker_id, broker.id
    session.add(BrokerMove(patient_id=patient.id, from_broker_id=former_id, to_broker_id=broker.id, moved_at=now))
    audit.append(session, now, actor, "patient.broker_chosen", patient.id, broker=broker.id, left=left)
    if former_id:
        tell(session, now, [former_id], "client_moved_away", patient.id)
    return patient


def set_easy_read(session: Session, now: Instant, actor: Actor, easy_read: bool) -> Patient:
    """A patient wants their pages in easy-read, or not (any more). Whoever may act for them at all may say so."""
    check_role(actor, Role.PATIENT)
    patient = locked(session, Patient, actor.party_id, "patient")
    if patient.easy_read is not easy_read:
        patient.easy_read = easy_read
        audit.append(session, now, actor, "patient.easy_read_set", patient.id, easy_read=easy_read)
    return patient


def _leave_what_can_be_left(session: Session, now: Instant, actor: Actor, patient: Patient) -> int:
    """Leave every pool of this patient whose offers are not in yet; returns how many."""
    needs = session.scalars(
        select(Need)
        .join(Need.bundle)
        .join(Bundle.tender)
        .where(
            Need.patient_id == patient.id,
            Need.status.in_(CAN_BE_LEFT),
            Tender.status.in_((TenderStatus.DRAFT, TenderStatus.OPEN)),
        )
    ).all()
    for need in needs:
        leave_pool(session, now, actor, need)
    return len(needs)
