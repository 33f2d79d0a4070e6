"""The people around a patient, a representative in their place, and payments by the bank: walked and looked at."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from marketplace.adapters.bank_files import ANSWER_COLUMNS
from marketplace.journey import payments, people, ratings
from marketplace.records.database import writing
from marketplace.records.payments import PaymentRun
from marketplace.records.pools import NeedStatus
from marketplace.rules.permissions import Scope
from tests.web.site import PASSWORD, Site
from tests.web.test_people_pages import daughter_of

pytestmark = pytest.mark.browser
Open = Callable[[str], Any]


def test_a_patient_chooses_another_broker(site: Site, enter: Open) -> None:
    with writing(site.world.session):
        people.approve_broker(site.world.session, site.world.now, site.world.funder, "Wold Brokers")
    site.world.draft().agree(1)
    window = enter("p1").go("/patient/").look("patient-home-people").follow("My broker").look("patient-broker")
    window.press("Choose this broker").look("patient-broker-none", status=422)
    window.page.get_by_label("Wold Brokers").check()
    window.press("Choose this broker").look("patient-broker-chosen")
    assert "Your broker is Wold Brokers" in window.text
    assert site.fresh().need(1).status is NeedStatus.LEFT


def test_a_daughter_acts_and_is_stopped(site: Site, enter: Open) -> None:
    """She answers in her father's place under a banner; he reads who she is, and ends it."""
    world = site.world.draft()
    daughter_of(site, 1, Scope.POOLS, Scope.DELIVERIES)
    window = enter("daughter").go("/home").look("representative-home")
    window.press("Act for Patient 01").look("representative-acting")
    assert window.heading == "Home page of Patient 01"
    window.follow("Patient 01’s broker").look("representative-broker")
    assert "01632 960 101" in window.text
    assert "Choose this broker" not in window.text
    window.go(f"/patient/budgets/{world.budget(1).id}/leave/").look("representative-not-covered", status=403)
    assert "You may not do this for this person" in window.text
    window.go(f"/patient/invitations/{world.need(1).id}").look("representative-invitation")
    window.page.get_by_label("Say no for Patient 01").check()
    window.press("Yes, join the group")
    assert site.fresh().need(1).status is NeedStatus.AGREED
    window.go("/patient/representatives").look("representative-reads-authority")
    window.go("/representative/").look("representative-home-acting")
    father = enter("p1").go("/patient/representatives").look("patient-representatives")
    father.follow("Stop them acting for you").look("patient-representative-end")
    father.press("Yes, stop them acting for me")
    assert "Nobody may act for you" in father.text
    window.go("/patient/").look("representative-ended")
    assert window.heading == "People you act for"
    window.go("/representative/").look("representative-home-nobody")
    window.follow("My interests in providers").look("representative-interests")
    window.press("Declare it").look("representative-interests-nothing", status=422)


def test_a_patient_gives_stars(site: Site, enter: Open) -> None:
    world = site.world.awarded()
    world.deliver(1)
    window = enter("p1").go(f"/patient/contracts/{world.contract(1).id}").follow("Say how good this provider is")
    window.look("patient-rate")
    window.page.get_by_label("What do you want to say about it?").fill("Kind people")
    window.press("Send my stars").look("patient-rate-none", status=422)
    assert window.page.get_by_label("What do you want to say about it?").input_value() == "Kind people"
    window.page.get_by_label("4 stars: good").check()
    window.page.get_by_label("Yes, without my name").check()
    window.press("Send my stars").look("patient-rated").follow("See what you wrote").look("patient-rated-words")
    for number in range(2, 9):
        world.deliver(number)
        with writing(world.session):
            ratings.rate(world.session, world.now, world.patient(number), world.contract(number).id, 5)
    provider = enter("bulk").go("/provider/profile").look("provider-profile-words")
    assert "“Kind people”" in provider.text
    provider_id = world.contract(1).provider_id
    enter("funder").go(f"/commissioner/providers/{provider_id}").follow("What your patients wrote").look(
        "commissioner-words"
    )


def test_a_no_asks_whether_to_look_again(site: Site, enter: Open) -> None:
    world = site.world.proposed()
    window = enter("p1").go(f"/patient/matches/{world.match(1).id}").look("patient-match-look-again")
    window.page.get_by_label("No, I turn it down").check()
    window.page.get_by_label("If no, why not?").fill("Too far")
    window.page.get_by_label("No, stop looking").check()
    window.press("Send my answer")
    assert site.fresh().match(1).look_again is False


def test_a_run_goes_to_the_bank_and_comes_back(site: Site, enter: Open, tmp_path: Path) -> None:
    """Prepared, downloaded, answered with a wrong line, answered rightly; the provider follows its claim."""
    world = site.world.awarded()
    world.deliver(1)
    world.deliver(2, 3)
    window = enter("funder").go("/commissioner/").follow("Payments").look("payments-due")
    window.press("Prepare a payment run").look("payment-run")
    with window.page.expect_download() as came:
        window.page.get_by_role("link", name="Download the file for the bank").click()
    reference, _, amount, *_ = came.value.path().read_text().splitlines()[1].split(",")
    provider = enter("bulk").go("/provider/").follow("Claims").look("provider-claims")
    answer = tmp_path / "answer.csv"
    for result, status in (("perhaps", 422), ("paid", 200)):
        answer.write_text(f"{','.join(ANSWER_COLUMNS)}\n{reference},{amount},{result},\n")
        window.page.locator("input[type=file]").set_input_files(answer)
        window.press("Post the answer").look(f"payment-run-{result}", status=status)
    assert "1 payment is settled" in window.text
    window.go("/payments/").look("payments-agree")
    provider.go("/provider/claims").look("provider-claims-paid")
    session = site.fresh().session
    assert session.get(PaymentRun, came.value.suggested_filename[9:-4]) is not None
    assert payments.reconcile(session, world.funder).agrees


def test_another_password_is_chosen_in_the_browser(site: Site, enter: Open) -> None:
    """As the page sends it, every field of it: the old one is asked for, and the new one opens the door."""
    window = enter("p1").go("/account")
    window.page.get_by_label("The password you have now").fill(PASSWORD)
    window.page.get_by_label("The password you want").fill("battery horse correct")
    window.press("Change my password").look("account-password-changed")
    assert "Your password is changed" in window.text
    assert enter("p2").go("/account").heading == "Your account"
    window.press("Sign out").sign_in("p1@example.test", "battery horse correct")
    assert window.heading == "Hello, Patient 01"
