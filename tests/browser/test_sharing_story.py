"""A group whose people help each other to pay, walked and looked at: the yes, the match, the wait, the money."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.web.site import Site
from tests.web.test_shared_pool_pages import shared

pytestmark = pytest.mark.browser
Open = Callable[[str], Any]


def test_helping_each_other_to_pay(site: Site, enter: Open) -> None:
    """A yes of its own; a match that gives and one that gets; a contract that waits for the others; the money."""
    world = shared(site).world
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
    assert "It waits for others in your group" in receiver.text
    world.sign(*(number for number in range(1, 13) if number != 3))
    assert "came from your group" in enter("p3").go("/patient/budget").look("sharing-budget").text
    assert "You help others in your group" in enter("p1").go("/patient/budget").text
