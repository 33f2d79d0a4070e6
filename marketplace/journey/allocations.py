"""A commissioner gives budgets: to somebody new, whom it registers, or to somebody registered; one, or a list of them.

`allocate_all` takes all drafts or none. `drafts_of` makes drafts from the lines of a file: a line is one part of one
person's care plan, and lines with the same NHS number are one budget. `faults_of` says beforehand what stands in the
way, by line. A care plan is approved afterwards (`budgets.approve_plan`), by whoever has read it.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, selectinload

from marketplace.adapters.identity import normal_nhs_number
from marketplace.records import audit
from marketplace.records.base import new_id
from marketplace.records.budgets import Budget, BudgetKind, Holder, ManagedAs, PlanLine
from marketplace.records.catalogue import Exclusion, Service
from marketplace.records.outbox import tell
from marketplace.records.people import Patient
from marketplace.rules.budgets import check_budget, check_line
from marketplace.rules.clock import Instant, london_date
from marketplace.rules.errors import Conflict, Invalid, NotFound
from marketplace.rules.money import Pence
from marketplace.rules.permissions import Actor, Role, check_role

from .budgets import BudgetDetails, LineDetails, check_service, open_budgets
from .clients import OLDEST_BIRTH_YEAR, place_of
from .keys import keyring_of
from .people import PatientDetails, register_patients
from .support import PersonFacts, facts_of


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Somebody to be registered. Their place is the middle of their postcode district, as far as it is known."""

    name: str
    nhs_number: str
    birth_year: int
    district: str
    deprivation_decile: int | None = None
    lacks_capacity: bool = False
    conditions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A budget to be opened for somebody new, or for the registered patient of this id."""

    details: BudgetDetails
    person: NewPerson | None = None
    patient_id: str | None = None


@dataclass(frozen=True, slots=True)
class FileLine:
    """One line of a file of budgets: who, their budget, and one part of its care plan. What is named is looked up."""

    name: str
    nhs_number: str
    birth_year: int
    district: str
    kind: BudgetKind
    managed_as: ManagedAs
    valid_from: date
    valid_to: date
    amount_pence: Pence
    service: str
    outcome: str
    units: int
    budget_pence: Pence
    max_distance_m: int | None = None
    max_wait_days: int | None = None
    holder: str | None = None
    deprivation_decile: int | None = None
    lacks_capacity: bool = False
    conditions: tuple[str, ...] = ()

    @property
    def about_person(self) -> tuple[object, ...]:
        """Who it is and for which budget: all lines of one person must agree in it."""
        return (self.name, self.birth_year, self.district, self.about_budget)

    @property
    def about_support(self) -> PersonFacts:
        """What the rule for extra support asks about; here too all lines of one person must agree."""
        return PersonFacts(self.deprivation_decile, self.lacks_capacity, tuple(sorted(set(self.conditions))))

    @property
    def about_budget(self) -> tuple[object, ...]:
        """The budget without its plan."""
        return (self.kind, self.managed_as, self.valid_from, self.valid_to, self.amount_pence, self.holder)


Fault = Invalid | Conflict | NotFound
FACT_WORDS = {"deprivation_decile": "deprivation", "lacks_capacity": "capacity", "conditions": "conditions"}
"""What the rule for extra support asks about, by its column in a file."""


def allocate(session: Session, now: Instant, actor: Actor, draft: Draft) -> Budget:
    """Give one budget; registers whom it is for, if they are new.

    Raises
    ------
    Conflict
        If the person has such a budget already, or the form was sent twice (``budget_open``).
    Invalid, NotFound
        As `people.register_patient` and `budgets.open_budget` do.
    """
    return allocate_all(session, now, actor, [draft])[0]


def allocate_all(session: Session, now: Instant, actor: Actor, drafts: Sequence[Draft]) -> list[Budget]:
    """Give all of these budgets, or, if anything is wrong with one of them, none.

    Raises
    ------
    Conflict, Invalid, NotFound
        As `allocate`.
    """
    check_role(actor, Role.COMMISSIONER)
    known = session.scalar(
        select(Budget.id).where(Budget.id.in_([draft.details.id for draft in drafts if draft.details.id])).limit(1)
    )
    if known is not None:
        raise Conflict("budget_open", "This was sent twice. The money is allocated once.", budget=known)
    for draft in drafts:
        _check_person(session, now, draft)
    try:
        return _allocate(session, now, actor, drafts)
    except IntegrityError:
        message = "Somebody registered one of these people, or sent this, a moment ago. Look again."
        raise Conflict("registered_meanwhile", message, place="nhs_number") from None


def _allocate(session: Session, now: Instant, actor: Actor, drafts: Sequence[Draft]) -> list[Budget]:
    new = [draft.person for draft in drafts if draft.person is not None]
    registered = iter(register_patients(session, now, actor, [_patient(session, person) for person in new]))
    patient_ids = [next(registered).id if draft.person else str(draft.patient_id) for draft in drafts]
    for draft, patient_id in zip(drafts, patient_ids, strict=True):
        if draft.person is None:
            _check_no_such_budget(session, patient_id, draft.details)
    budgets = open_budgets(
        session, now, actor, [(at, draft.details) for at, draft in zip(patient_ids, drafts, strict=True)]
    )
    audit.append(session, now, actor, "budgets.allocated", actor.party_id, budgets=len(budgets), registered=len(new))
    for budget in budgets:
        tell(session, now, [budget.patient_id], "budget_opened", budget.id)
    return budgets


def drafts_of(
    session: Session, now: Instant, actor: Actor, lines: Sequence[FileLine]
) -> tuple[list[Draft], list[tuple[int, Fault]]]:
    """The budgets that a file describes, and what is wrong, by the position of its line; nothing is changed.

    A number that is registered with this commissioner is that patient's, if the name is theirs; with another
    commissioner it is refused. Of somebody registered, a file changes nothing that is recorded.
    """
    check_role(actor, Role.COMMISSIONER)
    found: list[tuple[int, Fault]] = []
    drafts: list[Draft] = []
    services, holders = _names(session), _holders(session, actor)
    patients = _registered(session, [line.nhs_number for line in lines])
    for positions in _by_person(lines).values():
        first = lines[positions[0]]
        faults: list[tuple[int, Fault]] = []
        for position in positions:
            faults += [(position, fault) for fault in _line_faults(session, lines[position], first, services)]
        try:
            patient = patients.get(normal_nhs_number(first.nhs_number) or "")
            draft = _draft(actor, [lines[at] for at in positions], patient, services, holders)
            _check_person(session, now, draft)
            if draft.patient_id is not None:
                _check_no_such_budget(session, draft.patient_id, draft.details)
            if patient is not None:
                faults += [(positions[0], fault) for fault in _facts_faults(first, patient)]
            drafts.append(draft)
        except (Invalid, Conflict, NotFound) as error:
            if not faults or error.code != "service_unknown":
                faults.append((positions[0], error))
        found += faults
    facts = {"budgets": len(drafts), "lines": len(lines), "faults": len(found)}
    audit.append(session, now, actor, "budgets.checked", actor.party_id, **facts)
    return drafts, found


def _by_person(lines: Sequence[FileLine]) -> Mapping[str, list[int]]:
    grouped: dict[str, list[int]] = defaultdict(list)
    for position, line in enumerate(lines):
        grouped[normal_nhs_number(line.nhs_number) or f"line {position}"].append(position)
    return grouped


def _line_faults(session: Session, line: FileLine, first: FileLine, services: Mapping[str, str]) -> Iterator[Fault]:
    """What is wrong with one part of a plan, whoever it is for."""
    service_id = services.get(line.service.casefold())
    try:
        if service_id is None:
            raise Invalid("service_unknown", "This is not in the catalogue. Use a name from it.", place="service")
        check_service(session, service_id, "service")
    except Invalid as error:
        yield error
    try:
        check_line(line.outcome, line.units, line.budget_pence, place="")
    except Invalid as error:
        yield Invalid(error.code, error.message, place=error.place.lstrip("."))
    if line.about_person != first.about_person:
        message = "This NHS number stands in an earlier line with another name, year, district, period or budget."
        yield Invalid("lines_differ", message, place="nhs_number")
    elif differing := _differing(line.about_support, first.about_support):
        named = " and ".join(FACT_WORDS[column] for column in differing)
        message = f"This NHS number stands in an earlier line with something else for {named}."
        yield Invalid("lines_differ", message, place=differing[0])


def _differing(said: PersonFacts, other: PersonFacts) -> list[str]:
    """In which columns two say something else of a person."""
    return [column for column in FACT_WORDS if getattr(said, column) != getattr(other, column)]


def _facts_faults(line: FileLine, patient: Patient) -> Iterator[Fault]:
    """What a line says otherwise of somebody registered: a cell that is empty says nothing.

    It is not recorded in passing: support, and money, may begin or end with it.
    """
    for column in _differing(line.about_support, facts_of(patient)):
        if getattr(line, column):
            message = (
                "This is not what is recorded for this person. Leave the cell empty, or change it on their page first."
            )
            yield Invalid("facts_differ", message, place=column)


def _draft(
    actor: Actor,
    lines: Sequence[FileLine],
    patient: Patient | None,
    services: Mapping[str, str],
    holders: Mapping[str, str],
) -> Draft:
    first = lines[0]
    if first.holder and first.holder.casefold() not in holders:
        raise Invalid("holder_unknown", "We know no organisation of this name that holds budgets.", place="holder")
    if first.holder and first.managed_as is not ManagedAs.THIRD_PARTY:
        message = "Leave this cell empty, or write organisation as who holds the money."
        raise Invalid("holder_not_wanted", message, place="holder")
    parts = tuple(
        LineDetails(
            service_id=services.get(line.service.casefold(), ""),
            outcome=line.outcome,
            units=line.units,
            budget_pence=line.budget_pence,
            max_distance_m=line.max_distance_m,
            max_wait_days=line.max_wait_days,
        )
        for line in lines
    )
    details = BudgetDetails(
        kind=first.kind,
        managed_as=first.managed_as,
        valid_from=first.valid_from,
        valid_to=first.valid_to,
        amount_pence=first.amount_pence,
        lines=parts,
        holder_id=holders[first.holder.casefold()] if first.holder else None,
        id=new_id(),
    )
    try:
        check_budget(
            details.valid_from, details.valid_to, details.amount_pence, [line.budget_pence for line in details.lines]
        )
    except Invalid as error:
        place = "amount_pence" if error.place == "lines" else error.place
        raise Invalid(error.code, error.message, place=place) from None
    if patient is None:
        facts = asdict(first.about_support)
        person = NewPerson(first.name, first.nhs_number, first.birth_year, first.district, **facts)
        return Draft(details, person=person)
    if patient.commissioner_id != actor.party_id:
        raise Conflict("patient_exists", "A person with this NHS number is registered elsewhere.", place="nhs_number")
    if patient.name.casefold() != first.name.casefold():
        message = "Somebody of another name is registered under this NHS number. Check both."
        raise Conflict("other_name", message, place="name")
    return Draft(details, patient_id=patient.id)


def _check_person(session: Session, now: Instant, draft: Draft) -> None:
    person, today = draft.person, london_date(now)
    if draft.details.valid_to < today:
        raise Invalid("period_over", "The budget must end today or later.", place="valid_to")
    if person is None:
        return
    if normal_nhs_number(person.nhs_number) is None:
        raise Invalid("nhs_number_invalid", "Check the NHS number: it has a digit wrong.", place="nhs_number")
    if not OLDEST_BIRTH_YEAR <= person.birth_year <= today.year:
        message = f"Enter a year from {OLDEST_BIRTH_YEAR} to {today.year}."
        raise Invalid("birth_year_out_of_range", message, place="birth_year")
    place_of(session, person.district)


def _check_no_such_budget(session: Session, patient_id: str, details: BudgetDetails) -> None:
    """Nobody is given the same service twice for the same time by mistake."""
    services = [line.service_id for line in details.lines]
    query = (
        select(Service.name, Budget.valid_to)
        .join(PlanLine, PlanLine.service_id == Service.id)
        .join(PlanLine.budget)
        .where(
            Budget.patient_id == patient_id,
            Budget.left_at.is_(None),
            PlanLine.left_at.is_(None),
            Budget.valid_from <= details.valid_to,
            Budget.valid_to >= details.valid_from,
            Service.id.in_(services),
        )
    )
    found = session.execute(query.limit(1)).first()
    if found is not None:
        message = f"This person has a budget for {found[0].lower()} in this time already. Change or add to that one."
        raise Conflict("budget_there", message, place="valid_from")


def _patient(session: Session, person: NewPerson) -> PatientDetails:
    easting_m, northing_m = place_of(session, person.district)
    return PatientDetails(
        name=person.name,
        nhs_number=person.nhs_number,
        birth_year=person.birth_year,
        district=person.district,
        easting_m=easting_m,
        northing_m=northing_m,
        deprivation_decile=person.deprivation_decile,
        lacks_capacity=person.lacks_capacity,
        conditions=person.conditions,
    )


def _registered(session: Session, numbers: Sequence[str]) -> dict[str, Patient]:
    """Who of these is registered, by their number."""
    keyring = keyring_of(session)
    wanted = {normal for number in numbers if (normal := normal_nhs_number(number)) is not None}
    lookups = {keyring.lookup("nhs_number", number): number for number in wanted}
    query = select(Patient).where(Patient.nhs_number_lookup.in_(lookups))
    rows = session.scalars(query.options(selectinload(Patient.conditions)))
    return {lookups[row.nhs_number_lookup]: row for row in rows}


def _names(session: Session) -> dict[str, str]:
    """The ids of what is in the catalogue or excluded, by id and by name."""
    known: dict[str, str] = {}
    for kind in (Exclusion, Service):
        for code, name in session.execute(select(kind.id, kind.name)):
            known[code.casefold()] = known[name.casefold()] = code
    return known


def _holders(session: Session, actor: Actor) -> dict[str, str]:
    query = select(func.lower(Holder.name), Holder.id).where(Holder.commissioner_id == actor.party_id)
    return {str(name): holder_id for name, holder_id in session.execute(query)}
