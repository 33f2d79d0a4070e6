"""The pages of an organisation that holds budgets: it signs and pays, and sees nobody else's."""

import re

import pytest

from marketplace.journey import accounts, budgets, contracts
from marketplace.records.budgets import ManagedAs
from marketplace.records.database import writing
from marketplace.rules.lifecycle import ContractStatus
from marketplace.rules.permissions import Role
from tests.web.site import PASSWORD, Site
from tests.web.test_money_pages import shown_on


@pytest.fixture
def held(site: Site) -> Site:
    """Patient 1's budget is held by the Fen Trust; the contracts wait to be signed. Another organisation holds none."""
    world = site.world
    with writing(world.session):
        world.holder = budgets.admit_holder(world.session, world.now, world.funder, "Fen Trust")
        budget = world.budget(1)
        budget.managed_as, budget.holder_id = ManagedAs.THIRD_PARTY, world.holder.id
        for name, party in (("trust", world.holder.id), ("other", "another")):
            accounts.open_account(
                world.session,
                world.now,
                email=f"{name}@example.test",
                name=name,
                role=Role.HOLDER,
                party_id=party,
                password=PASSWORD,
            )
    world.proposed().accept().confirm().later(days=20)
    return site


def test_an_organisation_signs_and_pays(held: Site) -> None:
    """Its page offers the contract to sign, then the payment to make; the commissioner's shows neither."""
    world = held.world
    contract = world.contract(1)
    for actor in (world.patient(1), world.by_provider(contract)):
        with writing(world.session):
            contracts.sign_contract(world.session, world.now, actor, contract.id)
    trust = held.client("trust@example.test")
    page = trust.get("/holder/").text
    assert "Sign<span" in page
    assert "Patient 01" in page
    assert "Patient 02" not in page
    assert trust.post(f"/holder/contracts/{contract.id}/sign").status_code == 302
    assert held.fresh().contract(1).status is ContractStatus.SIGNED
    world.deliver(1)
    at = f"/holder/providers/{contract.provider_id}/pay"
    assert "Pay<span" not in held.client("funder@example.test").get("/commissioner/").text
    assert f'href="{at}"' in trust.get("/holder/").text
    asked = trust.get(at).text
    assert "Patient 01" in asked
    assert held.client("other@example.test").get(at).status_code == 302
    assert trust.post(at).status_code == 409
    assert trust.post(at, data=shown_on(asked)).status_code == 302
    assert "No payment to a provider is due" in trust.get("/holder/").text
    assert held.fresh().books_balance()


def test_an_organisation_signs_on_the_contract_itself(held: Site) -> None:
    """Whoever opens it from the list finds who has signed and the way to sign; the commissioner only who has."""
    contract = held.world.contract(1)
    at, sign = f"/contracts/{contract.id}", f"/holder/contracts/{contract.id}/sign"
    trust = held.client("trust@example.test")
    assert sign in trust.get(at).text
    funder = held.client("funder@example.test").get(at).text
    assert "Fen Trust signed" in funder
    assert sign not in funder
    assert trust.post(sign).status_code == 302
    assert sign not in trust.get(at).text
    provider = next(name for name, row in held.world.providers.items() if row.id == contract.provider_id)
    text = held.client(f"{provider}@example.test").get(f"/provider/contracts/{contract.id}").text
    assert "Who holds the budget signed" in text


def test_another_organisation_finds_nothing(held: Site) -> None:
    """Neither on its page, nor by asking for somebody else's contract."""
    other = held.client("other@example.test")
    assert "Patient" not in other.get("/holder/").text
    assert other.post(f"/holder/contracts/{held.world.contract(1).id}/sign").status_code == 404


def test_an_organisation_ends_a_contract(held: Site) -> None:
    """Found among those in force; the patient and the provider are told why."""
    world = held.world
    contract = world.contract(1)
    for actor in (world.patient(1), world.by_provider(contract), world.holding):
        with writing(world.session):
            contracts.sign_contract(world.session, world.now, actor, contract.id)
    trust, at = held.client("trust@example.test"), f"/contracts/{contract.id}"
    assert at in trust.get("/holder/contracts?state=in_force").text
    assert f"{at}/end" in trust.get(at).text
    assert trust.get(f"{at}/end").status_code == 200
    assert held.client("other@example.test").get(at).status_code == 404
    assert trust.post(f"{at}/end", data={"reason": ""}).status_code == 422
    assert trust.post(f"{at}/end", data={"reason": "The patient moved away."}).location == at
    assert held.fresh().contract(1).status is ContractStatus.ENDED
    assert "The patient moved away." in trust.get(at).text
    assert at not in trust.get("/holder/contracts?state=in_force").text
    assert at in trust.get("/holder/contracts?state=over").text


def test_an_organisations_lists(held: Site) -> None:
    """Its budgets and contracts narrow, order and go out as files; whose record it was reads that it was looked at."""
    trust, other = held.client("trust@example.test"), held.client("other@example.test")
    for path, told in (("/holder/budgets", "Patient 01"), ("/holder/contracts", "Patient 01")):
        page = trust.get(path).text
        assert told in page
        assert told not in trust.get(f"{path}?search=nobody").text
        assert told not in other.get(path).text
        orders = re.findall(r'<option value="(-?[a-z]+)"', page)
        assert {trust.get(f"{path}?sort={order}").status_code for order in orders} == {200}
        rows = trust.get(f"{path}?export=csv").text.splitlines()
        assert len(rows) == 2
        assert rows[1].startswith("Patient 01,")
        assert "November 2026" not in page
        assert len(other.get(f"{path}?export=csv").text.splitlines()) == 1
    assert "Patient 01" not in trust.get("/holder/contracts?state=over").text
    seen = held.client("p1@example.test").get("/patient/seen").text
    assert "Fen Trust" in seen
    assert "A list with your budget" in seen
