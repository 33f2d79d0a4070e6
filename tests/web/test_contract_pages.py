"""An ended contract and its refunded delivery: the same facts for each party that reads them."""

import re
from datetime import date, timedelta
from html import unescape

from marketplace.journey import contracts, deliveries, funds, settlements
from marketplace.queries.contracts import care_time
from marketplace.records.budgets import ManagedAs
from marketplace.records.contracts import Contract
from marketplace.records.database import writing
from tests.web.site import Site
from tests.web.test_contract_terms import main_part
from tests.web.test_easy_read import same
from tests.web.test_people_pages import act, daughter_of

WHY = "The provider has closed."


def ended_by_the_funder(site: Site) -> Contract:
    """One session is confirmed and refunded, one is confirmed; then the commissioner ends the contract."""
    world = site.world.awarded()
    wrong = world.deliver(1)
    world.deliver(1)
    with writing(world.session):
        funds.refund(world.session, world.now, world.funder, wrong.id, "Nobody came on that day.")
        contracts.end_early(world.session, world.now, world.funder, world.contract(1).id, WHY)
    return world.contract(1)


def row(text: str, name: str) -> str:
    """What a summary list says under a name."""
    found = re.search(rf">{name}</dt>\s*<dd[^>]*>(.*?)</dd>", text, re.DOTALL)
    assert found, f"no row {name}"
    return found[1].strip()


def pages(site: Site, contract: Contract) -> dict[str, str]:
    """The contract as each of those reads it who may."""
    at = {
        "bulk": f"/provider/contracts/{contract.id}",
        "funder": f"/contracts/{contract.id}",
        "p1": f"/patient/contracts/{contract.id}",
    }
    return {name: site.client(f"{name}@example.test").get(path).text for name, path in at.items()}


def test_an_ended_contract_says_when_why_and_by_whom(site: Site) -> None:
    """Each party reads the day, the reason under its name, and who it was, told to it."""
    told = pages(site, ended_by_the_funder(site))
    for text in told.values():
        assert row(text, "Ended on") == "6 April 2026"
        assert row(text, "Why") == WHY
    assert row(told["bulk"], "Ended by") == "The commissioner"
    assert row(told["funder"], "Ended by") == "You"
    assert row(told["p1"], "Ended by") == "The local care team"


def test_an_end_by_a_representative_is_not_told_as_the_patients(site: Site) -> None:
    """Each reader is told who it was; "You" is only who did it."""
    contract, authority = site.world.awarded().contract(1), daughter_of(site, 1)
    daughter = act(site, authority)
    assert daughter.post(f"/contracts/{contract.id}/end", data={"reason": "We move away."}).status_code == 302
    site.fresh()
    told = pages(site, contract)
    assert row(told["p1"], "Ended by") == "Your representative"
    for name in ("bulk", "funder"):
        assert unescape(row(told[name], "Ended by")) == "The patient's representative"
    own = act(site, authority).get(f"/patient/contracts/{contract.id}").text
    assert unescape(row(own, "Ended by")) == "The patient's representative"
    same(site, f"/patient/contracts/{contract.id}")


def test_a_representative_reads_that_the_patient_ended_it(site: Site) -> None:
    world = site.world.awarded()
    contract, authority = world.contract(1), daughter_of(site, 1)
    with writing(world.session):
        contracts.end_early(world.session, world.now, world.patient(1), contract.id, "I move away.")
    assert row(pages(site, contract)["p1"], "Ended by") == "You"
    assert row(act(site, authority).get(f"/patient/contracts/{contract.id}").text, "Ended by") == "The patient"


def test_nothing_more_falls_due_of_an_ended_contract(site: Site) -> None:
    """Its page no longer says that the charge falls due bit by bit, but how much did; the same for each."""
    told = pages(site, ended_by_the_funder(site))
    for name, label in {"bulk": "Fell due", "funder": "Fell due", "p1": "Your care cost"}.items():
        assert "bit by bit" not in told[name]
        assert row(told[name], label) == "£50.00 of £500.00, and no more will be charged"


def test_a_refund_is_the_same_amount_for_each(site: Site) -> None:
    """What the refunded session had cost stands on every page, marked as no longer due: it was never paid."""
    for name, text in pages(site, ended_by_the_funder(site)).items():
        assert "£50.00, no longer due" in text, name
    claims = site.client("bulk@example.test")
    for narrowed in ("", "?state=No+longer+due"):
        text = claims.get(f"/provider/claims{narrowed}").text
        assert "No longer due</strong>" in text
        assert "Refunded</strong>" not in text
    assert "No claim is in this state." in claims.get("/provider/claims?state=Refunded").text


def test_only_what_was_paid_is_given_back(site: Site) -> None:
    """Of a delivery that was paid and then refunded, each page says so, and the statement that it was not spent."""
    world = site.world.awarded()
    delivery, contract = world.deliver(1), world.contract(1)
    with writing(world.session):
        amounts = settlements.amounts_due(world.session, world.funder, contract.provider_id)
        shown = settlements.shown_sha256(amounts)
        settlements.pay_provider(world.session, world.now, world.funder, contract.provider_id, shown)
    client = site.client("funder@example.test")
    client.post(f"/deliveries/{delivery.id}/refund", data={"reason": "Nobody came on that day."})
    told = pages(site, contract)
    assert "It is refunded: the care can be given anew." in client.get(f"/contracts/{contract.id}").text
    assert all("£50.00, given back" in text for text in told.values())
    assert "Refunded: Nobody came on that day." in told["bulk"]
    same(site, f"/patient/contracts/{contract.id}")
    assert (
        "Not spent after all, on physiotherapy written down by mistake: £50.00"
        in site.client("p1@example.test").get(f"/patient/budgets/{contract.budget_id}/statement").text
    )


def test_a_contract_in_force_says_what_is_due_so_far(site: Site) -> None:
    """No end is told, and of the charge only what was confirmed is due."""
    world = site.world.awarded()
    world.deliver(1)
    text = pages(site, world.contract(1))["bulk"]
    assert row(text, "Due so far") == "£50.00 of £500.00"
    assert "Ended on" not in text


def test_time_ends_a_contract_that_nobody_signs(site: Site) -> None:
    """The page does not name anybody for it: why it ended says it all."""
    world = site.world.proposed().accept().confirm().later(days=20).later(days=30)
    text = pages(site, world.contract(1))["p1"]
    assert row(text, "Why") == "Not signed in time"
    assert row(text, "You signed") == "Not signed"
    assert "Ended by" not in text


def test_a_contract_that_never_began_shows_no_care(site: Site) -> None:
    """What was planned is told as that; there is nothing done or left, no cost, no record."""
    world = site.world.proposed().accept().confirm().later(days=20).later(days=30)
    contract = world.contract(1)
    path = f"/patient/contracts/{contract.id}"
    told = pages(site, contract) | {"paper": site.client("p1@example.test").get(f"{path}/print").text}
    for name, text in told.items():
        planned = "It was to run until 31 October 2026, and never began"
        assert row(text, "When") == planned, name
        for untold in ("Done", "What you had", "Care so far", "What was recorded", "Fell due", "No longer shown"):
            assert untold not in text, (name, untold)
    assert row(told["p1"], "You paid") == "Nothing"
    assert "Your money is free to use again." in told["p1"]
    assert row(told["p1"], "You signed") == "Not signed"
    assert all("Not yet" not in text for text in told.values())
    same(site, path)


def test_a_contract_that_time_ended_is_not_called_all_done(site: Site) -> None:
    """Its last day has come, and seven of ten sessions were never had: nobody reads that all of it was."""
    world = site.world.awarded()
    world.deliver(1, 3)
    contract = world.later(days=400).contract(1)
    for text in pages(site, contract).values():
        assert "Completed on" not in text
        assert row(text, "Ended on") == "11 May 2027"
    reader = site.client("p1@example.test")
    assert '<h2 class="nhsuk-heading-m">Ended</h2>' in reader.get(f"/patient/contracts/{contract.id}/print").text
    for path in ("/patient/", "/patient/care"):
        text = reader.get(path).text
        assert "Your contract is over" in text
        assert "All done" not in text
        assert "You had all your care" not in text


def test_the_end_is_told_in_sentences_in_easy_read(site: Site) -> None:
    """Each line of it ends, and so does a reason that somebody wrote with a full stop: once."""
    contract = ended_by_the_funder(site)
    reader = site.client("p1@example.test")
    reader.post("/patient/easy-read", data={"easy_read": "on"})
    text = reader.get(f"/patient/contracts/{contract.id}").text
    assert "<p>Ended on: 6 April 2026.</p>" in text
    assert f"<p>Why: {WHY}</p>" in text
    assert "<p>It began and ended on 6 April 2026.</p>" in text


def test_care_is_told_from_the_day_when_all_have_signed(site: Site) -> None:
    """That is what its days are held against, not the period that was tendered for; once it is over, until when."""
    world = site.world.proposed().accept().confirm().later(days=20)
    path = f"/patient/contracts/{world.contract(1).id}"

    def when() -> set[str]:
        same(site, path)
        reader = site.client("p1@example.test")
        reader.post("/patient/easy-read", data={"easy_read": "off"})
        paper = reader.get(f"{path}/print").text
        return {row(text, "When") for text in (*pages(site, world.contract(1)).values(), paper)}

    assert when() == {"From the day when both sides have signed, until 31 October 2026"}
    with writing(world.session):
        contracts.sign_contract(world.session, world.now, world.patient(1), world.contract(1).id)
    world.later(days=2)
    with writing(world.session):
        by = world.by_provider(world.contract(1))
        contracts.sign_contract(world.session, world.now, by, world.contract(1).id)
    assert world.record(1).delivered_on == date(2026, 4, 8)
    assert when() == {"From 8 April 2026 to 31 October 2026"}
    world.contract(1).ended_at = world.now
    assert care_time(world.contract(1)) == "It began and ended on 8 April 2026"
    world.session.rollback()
    world.later(days=20)
    with writing(world.session):
        contracts.end_early(world.session, world.now, world.funder, world.contract(1).id, WHY)
    assert when() == {"From 8 April 2026 to 28 April 2026"}
    page = site.client("p1@example.test").get(path).text
    assert "What you had" in page
    assert "Not done" in page
    assert "Done and left" not in page


def test_a_patient_reads_of_the_end_in_easy_read_too(site: Site) -> None:
    """Nothing of the end is lost or added in the easy twin."""
    same(site, f"/patient/contracts/{ended_by_the_funder(site).id}")


def test_who_pays_reads_the_period_of_care_not_the_last_day_of_the_books(site: Site) -> None:
    """Deliveries may be noted two weeks longer; care itself ends with the period that was agreed."""
    world = site.world.awarded()
    text = pages(site, world.contract(1))["funder"]
    assert row(text, "When") == "From 6 April 2026 to 31 October 2026"
    assert "November 2026" not in text


def test_what_was_typed_wrong_is_named_as_the_page_names_it(site: Site) -> None:
    """The service's own unit; how much is left; and, once all is recorded, that nothing is."""
    world = site.world.awarded()
    client, path = site.client("bulk@example.test"), f"/provider/contracts/{world.contract(1).id}"
    day = {"delivered_on-day": "6", "delivered_on-month": "4", "delivered_on-year": "2026"}
    wrong = client.post(path, data=day | {"units": "two"})
    assert wrong.status_code == 422
    assert "How many sessions were delivered: enter a whole number" in wrong.text
    assert 'value="two"' in wrong.text
    assert "enter a whole number from 1 to 10. The contract" in client.post(path, data=day | {"units": "11"}).text
    world.record(1, 10)
    none = client.post(path, data=day | {"units": "1"}).text
    assert "Nothing is left to record" in none
    assert "from 1 to 0" not in none


def test_the_end_of_a_contract_in_a_budget_that_is_over_frees_no_money(site: Site) -> None:
    """It goes back: the page, and the word that it is done, say so to whoever ends it."""
    world = site.world.awarded()
    world.budget(1).valid_to = world.now.date() - timedelta(days=1)
    world.session.commit()
    path = f"/contracts/{world.contract(1).id}/end"
    for name, whom in (("p1", "your local care team"), ("funder", "the commissioner")):
        page = site.client(f"{name}@example.test").get(path).text
        assert f"goes back to {whom}, as the budget is over" in page
        assert "free again" not in page
    client = site.client("p1@example.test")
    assert client.post(path, data={"reason": "I am well."}).status_code == 302
    assert "What was not used goes back." in client.get("/patient/").text


def test_a_provider_reads_nothing_of_the_budget(site: Site) -> None:
    """Neither at an end nor at a refund: not that the budget is over, and not that the patient left it."""
    world = site.world.awarded()
    delivery, contract = world.deliver(1), world.contract(1)
    world.budget(1).valid_to = world.now.date() - timedelta(days=1)
    world.session.commit()
    client = site.client("bulk@example.test")
    end, refund = f"/contracts/{contract.id}/end", f"/deliveries/{delivery.id}/refund"
    read = [client.get(end).text, client.get(refund).text]
    assert "Care that was confirmed is still paid for. Care that was not given will not be paid for." in read[0]
    client.post(end, data={"reason": "Our clinic has closed."})
    read += [client.get(f"/provider/contracts/{contract.id}").text, client.get(refund).text]
    assert "The contract has ended. Care that was not given will not be paid for." in read[2]
    client.post(refund, data={"reason": "Nobody came on that day."})
    read.append(client.get(f"/provider/contracts/{contract.id}").text)
    assert "The confirmation is taken back." in read[4]
    assert "Confirmation taken back: Nobody came on that day." in read[4]
    for text in read:
        assert not any(words in text for words in ("budget is over", "goes back", "free again", "patient's budget"))


def test_a_refund_for_a_budget_that_is_over_gives_the_patient_no_money(site: Site) -> None:
    """The word that it is done says what the page before had said."""
    world = site.world.awarded()
    delivery, contract = world.deliver(1), world.contract(1)
    with writing(world.session):
        contracts.end_early(world.session, world.now, world.funder, contract.id, WHY)
        world.budget(1).valid_to = world.now.date() - timedelta(days=1)
    client = site.client("funder@example.test")
    client.post(f"/deliveries/{delivery.id}/refund", data={"reason": "Nobody came on that day."})
    text = client.get(f"/contracts/{contract.id}").text
    assert "The confirmation is taken back: the money goes back, as the budget is over." in text


def test_of_a_budget_that_is_over_no_contract_promises_money(site: Site) -> None:
    """What is left goes back, and nobody is found for it: in the terms, and where the end is offered."""
    world = site.world.awarded()
    path = f"/patient/contracts/{world.contract(1).id}"
    rest = {False: "is yours again while your budget runs.", True: "goes back to your local care team."}
    for over, its_rest in rest.items():
        if over:
            world.budget(1).valid_to = world.now.date() - timedelta(days=1)
            world.session.commit()
        same(site, path)
        for easy in (False, True):
            page = main_part(site.client("p1@example.test"), path, easy=easy)
            assert page.count(f"The rest of the money {its_rest}") == 2
            assert f"The rest of the money {rest[not over]}" not in page
            assert ("find another provider" in page) is not over


def test_a_contract_that_can_no_longer_be_signed_promises_nothing(site: Site) -> None:
    """Until it is ended, its page says first that the time is over, and of the rest what would have been."""
    world = site.world.proposed().accept().confirm().later(days=20)
    contract = world.contract(1)
    world.now = contract.sign_by
    path = f"/patient/contracts/{contract.id}"
    same(site, path)
    for easy in (False, True):
        page = main_part(site.client("p1@example.test"), path, easy=easy)
        assert page.index("The time to sign is over") < page.index("Bulk Physio") < page.index("ould have paid")
        for promise in (
            "Not yet",
            "You get",
            "first visit",
            "Your provider is",
            "You pay ",
            "agree",
            "Sign the contract",
        ):
            assert promise not in page, promise
        assert "Ask your broker, Fen Brokers, what you can do next." in page


def test_who_keeps_the_money_reads_that_they_pay(site: Site) -> None:
    """A yes to a delivery moves nobody else's hand: it is due, and paid by the patient."""
    world = site.world
    with writing(world.session):
        world.budget(1).managed_as = ManagedAs.DIRECT_PAYMENT
    path = f"/patient/deliveries/{world.awarded().record(1).id}"
    same(site, path)
    client = site.client("p1@example.test")
    assert "you pay this to your provider" in client.get(path).text
    client.post("/patient/easy-read", data={"easy_read": "off"})
    assert "You pay it to your provider" in " ".join(client.get(path).text.split())
    client.post(path, data={"answer": "accept"})
    assert "Now you can pay your provider for it." in client.get("/patient/").text


def test_what_waits_comes_first(site: Site) -> None:
    """On a provider's home and list of contracts, before the figures; it leads to just what is to be signed."""
    world = site.world.proposed().accept().confirm().later(days=20)
    client = site.client("bulk@example.test")
    to_sign = "/provider/contracts?state=offered"
    for path in ("/provider/", "/provider/contracts"):
        text = client.get(path).text
        assert text.index(to_sign) < text.index("cp-figures"), path
        assert "Sign 12 contracts" in text
    listed = client.get(to_sign).text
    assert world.contract(1).id in listed
    assert "Sign 12 contracts" not in listed


def test_a_file_of_care_is_offered_once_a_contract_is_in_force(site: Site) -> None:
    """The list and the contract call it by the same name; what waits for the patient is not yet confirmed."""
    world = site.world.proposed().accept().confirm().later(days=20)
    client, contract = site.client("bulk@example.test"), world.contract(1)
    listed = client.get("/provider/contracts").text
    assert "Record care from a file" not in listed
    assert f'<span class="cp-in-block">Contract </span>{contract.id}<' in listed
    assert f"Contract {contract.id}<" in pages(site, contract)["bulk"]
    world.sign(1).record(1)
    assert "Record care from a file" in client.get("/provider/contracts").text
    assert row(pages(site, contract)["bulk"], "Confirmed") == "0 of 10 sessions, and 1 more waits for the patient"


def test_a_dispute_waits_while_something_can_be_done_about_it(site: Site) -> None:
    """The provider reads what to do; recording it again, or the contract's end, takes it off what waits."""
    world = site.world.awarded()
    disputed = "A patient disputes a delivery"

    def dispute(number: int) -> None:
        delivery = world.record(number)
        with writing(world.session):
            deliveries.dispute_delivery(world.session, world.now, world.patient(number), delivery.id, "Nobody came")

    def waits() -> int:
        return site.client("bulk@example.test").get("/provider/").text.count(disputed)

    dispute(1)
    dispute(2)
    assert waits() == 2
    assert "record it again" in pages(site, world.contract(1))["bulk"]
    world.later(hours=1).record(1)
    assert waits() == 1
    with writing(world.session):
        contracts.end_early(world.session, world.now, world.funder, world.contract(2).id, WHY)
    assert waits() == 0
    assert (
        "record it again"
        not in site.client("bulk@example.test").get(f"/provider/contracts/{world.contract(2).id}").text
    )


def test_care_of_another_day_settles_no_dispute(site: Site) -> None:
    """What was recorded since of other days leaves it waiting; the same day recorded again takes it off."""
    world = site.world.awarded()
    delivery = world.record(1)
    with writing(world.session):
        deliveries.dispute_delivery(world.session, world.now, world.patient(1), delivery.id, "Nobody came")
    world.later(days=1).record(1)

    def waits() -> bool:
        return "A patient disputes a delivery" in site.client("bulk@example.test").get("/provider/").text

    assert waits()
    with writing(world.session):
        day = world.now.date() - timedelta(days=1)
        contract = world.contract(1)
        deliveries.record_delivery(world.session, world.now, world.by_provider(contract), contract.id, 1, day)
    assert not waits()
