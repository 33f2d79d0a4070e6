"""The whole story, once: from a budget to a payment. Read this first.

It runs on SQLite and on PostgreSQL.
"""

from datetime import UTC, datetime

from sqlalchemy import select

from marketplace.journey import contracts, deliveries, rounds, settlements
from marketplace.journey.figures import tender_figures
from marketplace.records import audit, ledger
from marketplace.records.database import writing
from marketplace.records.ledger import AccountKind
from marketplace.records.rounds import Match
from marketplace.rules.lifecycle import ContractStatus, TenderStatus
from tests.worlds import BUDGET_PENCE, SESSIONS, SmallWorld


def test_walk(world: SmallWorld) -> None:
    """A budget is pooled, tendered, matched, accepted, awarded, signed, delivered and paid, to the penny."""
    # The funder has put £700 into each budget and approved the plans; £600 of it are for physiotherapy.
    assert world.money(1) == {"available": 70_000, "reserved": 0, "committed": 0}

    # The broker pools twelve plan lines and invites; everybody agrees; publication holds the pounds.
    world.draft().agree().publish()
    assert world.tender.status is TenderStatus.OPEN
    assert world.money(1) == {"available": 10_000, "reserved": BUDGET_PENCE, "committed": 0}
    assert world.tender.demand["lots"][0]["units"] == 12 * SESSIONS

    # Three providers seal their offers. Until the deadline nobody can read them.
    world.three_offers()
    assert all(offer.content is None and offer.alias is None for offer in world.tender.offers)

    # The deadline passes: the seal is opened, the offers get aliases.
    world.later(days=15)
    assert world.tender.status is TenderStatus.CLOSED
    assert sorted(offer.alias for offer in world.tender.offers) == ["Offer A", "Offer B", "Offer C"]

    # The round: frozen, solved, verified, stored; everybody has a proposal within their own budget.
    world.run_round()
    assert world.tender.status is TenderStatus.PROPOSED
    row = rounds.latest_round(world.session, world.tender.id)
    assert row is not None
    assert rounds.recheck(world.session, row) == []
    matches = world.session.scalars(select(Match)).all()
    assert len(matches) == 12
    assert all(match.charge_pence <= match.need.budget_pence for match in matches)

    # Buying together reaches the bulk price that nobody reaches alone.
    assert set(world.providers_by_patient().values()) == {"bulk"}
    figures = tender_figures(world.session, world.tender)
    assert figures.saving.charges_pence == 12 * SESSIONS * 4_900 + 12_000
    assert figures.saving.against_conventional_pence == 12 * SESSIONS * 7_906 - figures.saving.charges_pence

    # Patients accept, the broker confirms with reasons; the standstill runs to midnight, eight working days on.
    world.accept().confirm()
    assert world.tender.status is TenderStatus.STANDSTILL
    assert world.tender.standstill_ends_at == datetime(2026, 3, 30, 23, 0, tzinfo=UTC)  # summer time has begun
    world.later(days=14)
    assert world.tender.status is TenderStatus.AWARDED

    # Both sign: exactly the charge is committed, the rest is free again.
    contract = world.contract(1)
    for actor in (world.patient(1), world.provider("bulk")):
        with writing(world.session):
            contracts.sign_contract(world.session, world.now, actor, contract.id)
    charge = contract.charge_pence
    assert contract.status is ContractStatus.SIGNED
    assert world.money(1) == {"available": 70_000 - charge, "reserved": 0, "committed": charge}

    # A first session is delivered, confirmed and paid: one tenth of the charge.
    with writing(world.session):
        delivery = deliveries.record_delivery(
            world.session, world.now, world.provider("bulk"), contract.id, 1, world.now.date()
        )
    with writing(world.session):
        deliveries.confirm_delivery(world.session, world.now, world.patient(1), delivery.id)
    with writing(world.session):
        paid = settlements.pay_provider(world.session, world.now, world.funder, contract.provider_id)
    assert paid == charge // SESSIONS
    assert ledger.balance_pence(world.session, AccountKind.PAID, contract.provider_id) == paid
    assert world.money(1)["committed"] == charge - paid

    # Nothing went astray on the way, and everything was written down.
    assert world.books_balance()
    assert audit.check_chain(world.session) is None
