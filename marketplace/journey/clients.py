"""A broker takes on people who asked it to: one at a time, or a list of them, all or nobody.

Whoever is registered already chooses a broker for themselves (`people.choose_broker`): a broker can neither take such a
person on nor learn anything of them. Whoever is taken on has a plan and money only when the commissioner gives them
some, and may choose another broker at any time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select, union_all
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace.adapters.identity import normal_nhs_number
from marketplace.records import audit
from marketplace.records.outbox import tell
from marketplace.records.people import Broker, BrokerMove, Patient
from marketplace.records.providers import Site
from marketplace.rules.clock import Instant, london_date
from marketplace.rules.errors import Conflict, DomainError, Invalid, NotAllowed
from marketplace.rules.permissions import Actor, Role, check_role

from .accounts import check_email_free, open_account
from .keys import keyring_of
from .people import PatientDetails, enrol
from .scopes import locked

OLDEST_BIRTH_YEAR = 1900


@dataclass(frozen=True, slots=True)
class ClientDetails:
    """What a broker says of somebody who asked it to act for them, and on which day they asked.

    `email`, where it is given, opens an account to which letters go; without it the commissioner opens one later.
    """

    name: str
    nhs_number: str
    birth_year: int
    district: str
    asked_on: date
    email: str | None = None


def take_on(session: Session, now: Instant, actor: Actor, client: ClientDetails) -> Patient:
    """Register somebody new as this broker's client. They are told, and so is the commissioner.

    Raises
    ------
    NotAllowed
        If the broker is not approved, or suspended.
    Invalid, Conflict
        If a value means nothing, or the person or the e-mail address is registered already.
    """
    broker = _broker(session, actor)
    check(session, now, actor, client)
    try:
        patient = _enrol(session, now, actor, broker, client)
    except IntegrityError:
        message = "Somebody registered this person, or this e-mail address, a moment ago. Check once more."
        raise Conflict("registered_meanwhile", message, place="nhs_number") from None
    session.add(BrokerMove(patient_id=patient.id, from_broker_id=None, to_broker_id=broker.id, moved_at=now))
    audit.append(
        session, now, actor, "client.taken_on", patient.id, broker=broker.id, asked_on=client.asked_on.isoformat()
    )
    tell(session, now, [patient.id, broker.commissioner_id], "client_taken_on", patient.id)
    return patient


def take_on_all(session: Session, now: Instant, actor: Actor, clients: Sequence[ClientDetails]) -> int:
    """Take on all of these people, or, if anything is wrong with one of them, nobody; returns how many.

    Raises
    ------
    NotAllowed, Invalid, Conflict
        As `take_on`.
    """
    for client in clients:
        take_on(session, now, actor, client)
    audit.append(session, now, actor, "clients.imported", actor.party_id, clients=len(clients))
    return len(clients)


def faults_of(
    session: Session, now: Instant, actor: Actor, clients: Sequence[ClientDetails]
) -> list[tuple[int, Invalid | Conflict]]:
    """What stands in the way of each of these people, by their position; nothing is changed.

    Who looks up many numbers is seen to do so: the look itself is an audit event, with how many were known already.
    """
    _broker(session, actor)
    found: list[tuple[int, Invalid | Conflict]] = []
    numbers: set[str | None] = set()
    emails: set[str] = set()
    for position, client in enumerate(clients):
        try:
            check(session, now, actor, client)
            number, email = normal_nhs_number(client.nhs_number), (client.email or "").lower()
            if number in numbers:
                raise Conflict(
                    "twice_in_list", "This NHS number is in the file twice. Keep one line.", place="nhs_number"
                )
            if email and email in emails:
                raise Conflict("email_twice", "This e-mail address is in the file twice. Keep one.", place="email")
            numbers.add(number)
            emails.add(email)
        except (Invalid, Conflict) as error:
            found.append((position, error))
    known = sum(error.code == "patient_exists" for _, error in found)
    audit.append(session, now, actor, "clients.checked", actor.party_id, clients=len(clients), known=known)
    return found


def check(session: Session, now: Instant, actor: Actor, client: ClientDetails) -> None:
    """Whether this broker could take this person on.

    Raises
    ------
    Invalid, Conflict
        Naming the field (fact ``place``); no number is in any message.
    """
    today = london_date(now)
    number = normal_nhs_number(client.nhs_number)
    if number is None:
        raise Invalid("nhs_number_invalid", "Check the NHS number: it has a digit wrong.", place="nhs_number")
    if not OLDEST_BIRTH_YEAR <= client.birth_year <= today.year:
        message = f"Enter a year from {OLDEST_BIRTH_YEAR} to {today.year}."
        raise Invalid("birth_year_out_of_range", message, place="birth_year")
    if client.asked_on > today:
        raise Invalid(
            "asked_in_future", "Enter the day on which the person asked you: today or before.", place="asked_on"
        )
    place_of(session, client.district)
    lookup = keyring_of(session).lookup("nhs_number", number)
    known = session.execute(select(Patient.broker_id).where(Patient.nhs_number_lookup == lookup)).first()
    if known is not None and known[0] == actor.party_id:
        raise Conflict(
            "client_already", "This person is your client already, and need not be added.", place="nhs_number"
        )
    if known is not None:
        message = "A person with this NHS number is registered already. They can choose you as their broker themselves."
        raise Conflict("patient_exists", message, place="nhs_number")
    if client.email:
        try:
            check_email_free(session, client.email)
        except DomainError as error:
            raise Conflict(error.code, error.message, place="email") from None


def _broker(session: Session, actor: Actor) -> Broker:
    check_role(actor, Role.BROKER)
    broker = locked(session, Broker, actor.party_id, "broker")
    if broker.approved_at is None or broker.suspended_at is not None:
        raise NotAllowed("broker_not_approved", "You can take on clients while the commissioner's approval stands.")
    return broker


def _enrol(session: Session, now: Instant, actor: Actor, broker: Broker, client: ClientDetails) -> Patient:
    easting_m, northing_m = place_of(session, client.district)
    details = PatientDetails(
        name=client.name,
        nhs_number=client.nhs_number,
        birth_year=client.birth_year,
        district=client.district,
        easting_m=easting_m,
        northing_m=northing_m,
    )
    patient = enrol(session, now, actor, details, commissioner_id=broker.commissioner_id, broker_id=broker.id)
    session.flush()
    if client.email:
        open_account(
            session,
            now,
            email=client.email,
            name=client.name,
            role=Role.PATIENT,
            party_id=patient.id,
            password=None,
        )
    return patient


def place_of(session: Session, district: str) -> tuple[int, int]:
    """About where a postcode district is: the middle of all people and sites known there.

    No address is asked of anybody, so a new client's place is as coarse as their district.

    Raises
    ------
    Invalid
        If nobody and nothing is known there.
    """
    places = union_all(
        *(
            select(kind.easting_m.label("easting_m"), kind.northing_m.label("northing_m")).where(
                kind.district == district
            )
            for kind in (Patient, Site)
        )
    ).subquery()
    easting_m, northing_m = session.execute(select(func.avg(places.c.easting_m), func.avg(places.c.northing_m))).one()
    if easting_m is None:
        message = (
            "We know no such postcode district. Check it: it looks like LN1. "
            "If it is right, the commissioner must first add a provider's place there, with its grid reference."
        )
        raise Invalid("district_unknown", message, place="district")
    return int(easting_m), int(northing_m)
