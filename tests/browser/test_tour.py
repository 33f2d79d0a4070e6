"""A picture of every page in every state of a tender, read by axe at both widths: `make screenshots` keeps them."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from marketplace.journey import deliveries
from marketplace.records.database import writing
from tests.web.site import Site

pytestmark = pytest.mark.browser


def test_tour(site: Site, serve: Callable[[Flask], str], visit: Callable[[str], Any]) -> None:
    address, world = serve(site.app), site.world
    faults: list[str] = []
    who = {name: visit(address) for name in ("broker", "p1", "bulk", "funder", "anybody")}

    def look(name: str, path: str, picture: str) -> None:
        window = who[name]
        if name != "anybody":
            window.carry(site.cookie(f"{name}@example.test"))  # time passes quickly here: sign-ins end
        try:
            window.go(path).look(picture)
        except AssertionError as fault:  # one run shows all that is wrong, not the first of it
            faults.append(str(fault))

    look("broker", "/broker/", "broker-home-empty")
    look("broker", "/broker/tenders/new", "broker-tender-new")
    look("p1", "/patient/", "patient-home-new")
    look("funder", "/commissioner/", "commissioner-home")
    look("funder", "/commissioner/budgets", "commissioner-budgets")
    world.draft()
    tender, need = world.tender.id, world.need(1).id
    at = f"/broker/tenders/{tender}"
    look("broker", at, "broker-tender-draft")
    look("broker", f"{at}/groups/new", "broker-bundle-new")
    look("p1", "/patient/", "patient-home-invited")
    look("p1", f"/patient/invitations/{need}", "patient-invitation")
    look("p1", f"/patient/invitations/{need}/preferences", "patient-preferences")
    world.agree()
    look("broker", f"{at}/publish", "broker-publish")
    world.publish()
    look("broker", at, "broker-tender-open")
    look("broker", f"{at}/withdraw", "broker-withdraw")
    look("anybody", "/tenders", "public-tenders")
    look("anybody", f"/tenders/{tender}", "public-tender")
    look("bulk", "/provider/", "provider-home")
    look("bulk", f"/provider/tenders/{tender}", "provider-tender")
    look("bulk", f"/provider/tenders/{tender}/offer", "provider-offer-form")
    world.three_offers()
    offer = next(row for row in world.tender.offers if row.provider_id == world.providers["bulk"].id).id
    look("bulk", f"/provider/offers/{offer}", "provider-offer")
    look("bulk", "/provider/offers", "provider-offers")
    world.later(days=15)
    look("broker", "/broker/", "broker-home-closed")
    look("broker", at, "broker-tender-closed")
    world.run_round()
    match = world.match(1).id
    look("broker", "/broker/", "broker-home-proposed")
    look("broker", "/broker/tenders", "broker-tenders")
    look("broker", "/broker/clients", "broker-clients")
    look("broker", at, "broker-tender-proposed")
    look("broker", f"{at}/result", "broker-result")
    look("broker", f"{at}/people", "broker-people")
    look("broker", f"{at}/award", "broker-award-waiting")
    look("p1", "/patient/", "patient-home-match")
    look("p1", f"/patient/matches/{match}", "patient-match")
    world.accept()
    look("broker", f"{at}/award", "broker-award-ready")
    world.confirm().later(days=20)
    contract = world.contract(1).id
    look("anybody", f"/tenders/{tender}", "public-tender-awarded")
    look("p1", f"/patient/contracts/{contract}", "patient-contract-to-sign")
    look("bulk", "/provider/contracts", "provider-contracts")
    delivery = world.sign(1).record(1, 2).id
    look("bulk", f"/provider/contracts/{contract}", "provider-contract")
    look("p1", "/patient/", "patient-home-delivery")
    look("p1", f"/patient/deliveries/{delivery}", "patient-delivery")
    with writing(world.session):
        deliveries.confirm_delivery(world.session, world.now, world.patient(1), delivery)
    look("p1", f"/patient/contracts/{contract}", "patient-contract")
    look("p1", "/patient/budget", "patient-budget")
    look("p1", "/patient/care", "patient-care")
    look("p1", "/patient/seen", "patient-seen")
    look("funder", "/commissioner/", "commissioner-home-due")
    look("funder", "/commissioner/audit?period=all", "commissioner-audit")
    assert not faults, "\n".join(faults)
