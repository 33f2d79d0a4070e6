"""The accounts that a visitor can try: one for each thing that waits for somebody.

Everybody in the demo has an account, but only these few get a password, the same for all: their people are made up.
`open_doors` chooses them; `hang_up` leaves the list where the sign-in page of a demo finds it (`web.demo_doors`).
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from marketplace.adapters.passwords import hash_password
from marketplace.demo.settle import EMAIL_DOMAIN
from marketplace.demo.stage import Stage
from marketplace.journey import accounts, representatives
from marketplace.records.base import new_id
from marketplace.records.contracts import Contract, Delivery, DeliveryStatus
from marketplace.records.database import writing
from marketplace.records.people import AuthorityBasis, User
from marketplace.records.pools import Bundle, Need, NeedStatus
from marketplace.records.rounds import Award, Match, MatchStatus, Round
from marketplace.records.tenders import Tender
from marketplace.rules.clock import london_date
from marketplace.rules.lifecycle import ContractStatus, TenderStatus
from marketplace.rules.permissions import Role, Scope

DEMO_PASSWORD = "together-we-choose"  # noqa: S105 - it opens made-up accounts of a made-up county


@dataclass(frozen=True)
class DemoAccount:
    """One account, and what waits for it."""

    role: str
    email: str
    name: str
    waiting: str


def open_doors(stage: Stage, now: datetime) -> list[DemoAccount]:
    """Choose the accounts and give them the password."""
    with stage.sessions() as session, writing(session):
        waiting: dict[str, list[str]] = {}
        for party_id, what in [*_choose(session, stage), *_relative(session, stage, now)]:
            if party_id:
                waiting.setdefault(party_id, []).append(what)
        users = {user.party_id: user for user in session.scalars(select(User))}
        hashed = hash_password(DEMO_PASSWORD)
        opened = []
        for party_id, what_waits in waiting.items():
            user = users[party_id]
            user.password_hash = hashed
            opened.append(DemoAccount(user.role.value, user.email, user.name, "; ".join(what_waits)))
    return opened


def hang_up(accounts: Sequence[DemoAccount], path: Path) -> None:
    """Write the list, with the password, for the sign-in page."""
    document = {"password": DEMO_PASSWORD, "accounts": [asdict(account) for account in accounts]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _choose(session: Session, stage: Stage) -> Iterator[tuple[str | None, str]]:
    yield stage.town.commissioner.party_id, "payments that have fallen due; the budgets of the whole county"
    for broker in stage.market.brokers:
        yield stage.town.brokers[broker.id].party_id, _broker_waits(stage, broker.id)
    for offer in stage.market.offers:
        if offer.id in stage.held_back:
            title = next(tender.title for tender in stage.market.tenders if tender.id == offer.tender)
            yield stage.town.providers[offer.provider].party_id, f"an offer to make: {title}"
    yield session.scalar(_busiest_provider()), "contracts in delivery: record what was delivered"
    yield session.scalar(_invited()), "an invitation to a pool: agree or not now"
    yield session.scalar(_proposed()), "a match to answer: accept or decline"
    yield session.scalar(_to_confirm()), "a delivery to confirm or dispute"
    yield session.scalar(_unmatched()), "no match this time, and the reason why"


def _relative(session: Session, stage: Stage, now: datetime) -> Iterator[tuple[str, str]]:
    """A relative of the patient whose match waits, appointed to act for them."""
    patient_id = session.scalar(_proposed())
    if patient_id is None:
        return
    user = accounts.open_account(
        session,
        now,
        email=f"relative@{EMAIL_DOMAIN}",
        name="A relative",
        role=Role.REPRESENTATIVE,
        party_id=new_id(),
        password=None,
    )
    representatives.appoint(
        session,
        now,
        stage.town.commissioner,
        patient_id=patient_id,
        representative_id=user.id,
        basis=AuthorityBasis.PATIENTS_WISH,
        scopes=(Scope.POOLS, Scope.MATCHES, Scope.DELIVERIES),
        valid_from=london_date(now),
        valid_to=london_date(now + timedelta(days=365)),
    )
    yield user.party_id, "somebody to act for: answer a match in their place"


def _broker_waits(stage: Stage, broker: str) -> str:
    waits = {
        "draft": "publish {}",
        "closed": "run the round of {}",
        "withdrawn": "pool anew who was in {}",
        "proposed": "see the answers come in for {}",
        "open": "offers come in, sealed, for {}",
    }
    titles = {tender.left_as: tender.title for tender in stage.market.tenders if tender.broker == broker}
    waiting = [words.format(f"“{titles[state]}”") for state, words in waits.items() if state in titles]
    return "; ".join(waiting[:2])


def _busiest_provider() -> Select[str]:
    return (
        select(Contract.provider_id)
        .where(Contract.status == ContractStatus.IN_DELIVERY)
        .group_by(Contract.provider_id)
        .order_by(func.count().desc(), Contract.provider_id)
        .limit(1)
    )


def _invited() -> Select[str]:
    return select(Need.patient_id).where(Need.status == NeedStatus.INVITED).order_by(Need.id).limit(1)


def _proposed() -> Select[str]:
    return (
        select(Need.patient_id)
        .join(Match, Match.need_id == Need.id)
        .where(Match.status == MatchStatus.PROPOSED)
        .order_by(Match.id)
        .limit(1)
    )


def _to_confirm() -> Select[str]:
    return (
        select(Contract.patient_id)
        .join(Contract.deliveries)
        .where(Delivery.status == DeliveryStatus.RECORDED)
        .order_by(Delivery.id)
        .limit(1)
    )


def _unmatched() -> Select[str]:
    return (
        select(Need.patient_id)
        .join(Need.bundle)
        .join(Bundle.tender)
        .where(Need.status == NeedStatus.UNMATCHED, Tender.status == TenderStatus.PROPOSED)
        .order_by(Need.id)
        .limit(1)
    )


def story_contract() -> Select[Contract]:
    """A contract worth telling about: some of it delivered and paid, bought at a volume price."""
    paid = select(Delivery.contract_id).where(Delivery.status == DeliveryStatus.PAID)
    return (
        select(Contract)
        .join(Contract.match)
        .join(Match.award)
        .join(Award.round)
        .join(Round.tender)
        .where(Contract.id.in_(paid), Award.tier > 0)
        .order_by(Contract.charge_pence.desc(), Contract.id)
        .limit(1)
    )
