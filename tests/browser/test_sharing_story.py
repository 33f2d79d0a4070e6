"""A group whose people help each other to pay, walked and looked at: the yes, the match, the wait, the money."""

from collections.abc import Callable
from typing import Any

import pytest

from marketplace.journey import accounts, budgets
from marketplace.records.budgets import ManagedAs
from marketplace.records.database import writing
from marketplace.rules.permissions import Role
from tests.web.site import PASSWORD, Site
from tests.web.test_shared_pool_pages import shared

pytestmark = pytest.mark.browser
Open = Callable[[str], Any]


def test_helping_each_other_to_pay(site: Site, enter: Open) -> None:
    """A yes of its own; a match that gives and one that gets; a contract that waits for the others; the money."""
    world = shared(site).world
    with writing(world.session):
        world.holder = budgets.admit_holder(world.session, world.now, world.funder, "Fen Trust")
        world.budget(1).managed_as, world.budget(1).holder_id = ManagedAs.THIRD_PARTY, world.holder.id
        world.budget(3).managed_as = ManagedAs.DIRECT_PAYMENT
        user = accounts.open_account(
            world.session,
            world.now,
            email="trust@example.test",
            name="Fen Trust",
            role=Role.HOLDER,
            party_id=world.holder.id,
            password=PASSWORD,
        )
        assert user.commissioner_id == world.commissioner.id
    enter("broker").go(f"/broker/tenders/{world.tender.id}/policy").look("sharing-policy")
    window = enter("p1").go(f"/patient/invitations/{world.need(1).id}")
    window.page.get_by_label("Say yes for me").check()
    window.press("Yes, join the group").look("sharing-invitation", status=422)
    assert window.page.get_by_label("Say yes for me").is_checked()
    window.page.get_by_label("Yes, what my budget has left over may help others").check()
    window.press("Yes, join the group")
    world = site.fresh()
    assert world.need(1).consents[-1].shares_pool

    world.agree(*range(2, 13)).publish()
    world.offer("near", (0, 5_500))
    world.later(days=15).run_round()
    giver, receiver = enter("p1"), enter("p3")
    giver.go(f"/patient/matches/{world.match(1).id}").look("sharing-match-gives")
    receiver.go(f"/patient/matches/{world.match(3).id}").look("sharing-match-gets")
    enter("broker").go(f"/broker/tenders/{world.tender.id}/result").look("sharing-result")

    world.accept().confirm().later(days=20).sign(3)
    receiver = enter("p3").go(f"/patient/contracts/{world.contract(3).id}").look("sharing-waits")
    assert "The contract waits for others in your group" in receiver.text
    world.sign(*(number for number in range(1, 13) if number != 3))
    assert "is not in your bank account yet" in enter("p3").go("/patient/budget").look("sharing-budget").text
    assert "You help others in your group" in enter("p1").go("/patient/budget").text

    trust = enter("trust").go("/holder/").look("holder-home-owes")
    assert "Pay £34.61 to the commissioner" in trust.text
    assert "No payment" not in trust.text
    trust.follow("Budgets").look("holder-budgets")
    trust.go("/holder/contracts").look("holder-contracts")
    funder = enter("funder").go("/commissioner/").follow("Money of shared groups").look("commissioner-hand-overs")
    funder.follow("Record a payment from Fen Trust").look("commissioner-hand-over")
    funder.page.get_by_label("How much was paid?").fill("a lot")
    funder.press("Record the payment").look("commissioner-hand-over-wrong", status=422)
    funder.page.get_by_label("How much was paid?").fill("30.00")
    funder.press("Record the payment").look("commissioner-hand-overs-paid")
    assert "Owes you £4.61" in funder.text
