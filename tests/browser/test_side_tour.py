"""Pictures of the pages beside the tender's way: rules, money, leaving, paying, paper, problems, counting."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from marketplace.front import claims
from marketplace.journey import people
from marketplace.journey.broker_fees import agree_fee
from marketplace.records.budgets import ManagedAs
from marketplace.records.database import writing
from tests.web.site import build_site
from tests.worlds import FEN

pytestmark = pytest.mark.browser


def test_side_tour(
    tmp_path: Path,
    serve: Callable[[Flask], str],
    visit: Callable[[str], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site, faults = build_site(tmp_path, MAIL_HOST="127.0.0.1"), list[str]()
    address, world = serve(site.app), site.world
    who = {name: visit(address) for name in ("broker", "p1", "p2", "bulk", "funder", "anybody")}

    def look(name: str, path: str, picture: str, *, status: int = 200, press: str = "") -> None:
        window = who[name]
        if name != "anybody":
            window.carry(site.cookie(f"{name}@example.test"))
        try:
            window.go(path)
            if press:
                window.press(press)
            window.look(picture, status=status)
        except AssertionError as fault:  # one run shows all that is wrong, not the first of it
            faults.append(str(fault))

    with monkeypatch.context() as busy:
        busy.setattr(claims, "FIRST_WAIT_S", 0)
        busy.setattr(claims, "_count_beside", lambda *_: None)
        look("anybody", "/figures", "figures-counting", status=503)
        who["anybody"].go("/how-it-works")  # the page asks again for the figures until somebody leaves it
    look("anybody", "/open-data", "open-data-none")
    look("anybody", "/forgotten-password", "account-forgotten")
    look("anybody", "/forgotten-password", "account-forgotten-empty", status=422, press="Send me a code")
    look("p1", "/account", "account-own")
    look("p1", "/account", "account-own-empty", status=422, press="Change my password")
    look("p1", "/broker/", "problem-403", status=403)
    look("funder", "/commissioner/tenders", "commissioner-tenders-none")
    look("funder", "/commissioner/organisations", "commissioner-organisations")
    look("funder", "/commissioner/hand-overs/", "commissioner-hand-overs-none")
    look("funder", "/commissioner/broker-fees/", "commissioner-broker-fees-none")
    look("broker", "/broker/fees", "broker-fees-none")
    look("broker", "/broker/contact", "broker-contact")
    with writing(world.session):
        world.broker.telephone = world.broker.email = None
    look("broker", "/broker/", "broker-home-no-contact")
    look("broker", "/broker/contact", "broker-contact-empty", status=422, press="Save")
    with writing(world.session):
        world.broker.telephone, world.broker.email = FEN.telephone, FEN.email
        people.approve_broker(world.session, world.now, world.funder, "Wold Brokers", FEN)
        agree_fee(world.session, world.now, world.funder, world.broker.id, 1_500)
    agreeing = f"/commissioner/broker-fees/{world.broker.id}/fee"
    look("funder", agreeing, "commissioner-broker-fee")
    look("p2", "/patient/broker", "patient-broker-with-fee")
    look("funder", "/commissioner/rules", "commissioner-rules")
    look("funder", "/commissioner/holders", "commissioner-holders-none")
    look("funder", "/commissioner/holders", "commissioner-holders-empty", status=422, press="Admit the organisation")
    look("p2", f"/patient/budgets/{world.budget(2).id}/leave/", "patient-leave")
    look("funder", f"/commissioner/budgets/{world.budget(2).id}/money", "commissioner-money")
    look("funder", f"/commissioner/people/{world.patients[1].id}/budgets/new", "commissioner-allocate-another")
    world.budget(1).managed_as = ManagedAs.DIRECT_PAYMENT
    world.session.commit()
    world.draft().agree().publish()
    world.three_offers().later(days=15)
    look("funder", f"/commissioner/tenders/{world.tender.id}/cancel", "commissioner-cancel")
    look("funder", "/commissioner/tenders", "commissioner-tenders")
    world.run_round().accept().confirm().later(days=20).sign(1, 2)
    look("p1", "/patient/payments/", "patient-payments-none")
    look("funder", "/commissioner/broker-fees/", "commissioner-broker-fees")
    look("funder", f"/commissioner/broker-fees/{world.broker.id}/payment", "commissioner-broker-fee-paid")
    look("broker", "/broker/fees", "broker-fees")
    look("anybody", f"/tenders/{world.tender.id}", "public-tender-with-fee")
    world.deliver(1, 2)
    look("p1", "/patient/payments/", "patient-payments")
    pay = f"/patient/payments/{world.contract(1).provider_id}"
    look("p1", pay, "patient-pay")
    who["p1"].go(pay)
    world.deliver(1)
    who["p1"].press("Yes, I have paid £100.00").look("patient-pay-changed", status=409)
    world.deliver(2)
    look("funder", f"/commissioner/providers/{world.contract(1).provider_id}/pay", "commissioner-pay")
    for number in (3, 4):
        world.sign(number).deliver(number)
    site.app.config["PAGE_ROWS"] = 2
    look("funder", f"/commissioner/providers/{world.contract(1).provider_id}/pay?page=2", "commissioner-pay-many")
    look("p1", f"/patient/contracts/{world.contract(1).id}/print", "patient-paper-contract")
    assert not faults, "\n".join(faults)
