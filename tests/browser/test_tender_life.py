"""The ways beside the straight one, as people meet them: amendments, questions, objections, decisions, suspensions."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from marketplace.journey import accounts, budgets, contracts, pools, tenders
from marketplace.records.budgets import ManagedAs
from marketplace.records.database import writing
from marketplace.records.offers import Offer
from marketplace.records.tenders import Question, Representation
from marketplace.rules.permissions import Role
from marketplace.rules.pooling import BundleTerms
from marketplace.work.feedback import prepare_all
from tests.web.site import PASSWORD, Site, build_site
from tests.web.test_changed_tenders import upheld
from tests.worlds import PERIOD

pytestmark = pytest.mark.browser


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A small world with accounts, on a real server; a daughter could act for somebody."""
    made = build_site(tmp_path_factory.mktemp("site"))
    world = made.world
    with writing(world.session):
        accounts.open_account(
            world.session,
            world.now,
            email="daughter@example.test",
            name="Ann Daughter",
            role=Role.REPRESENTATIVE,
            party_id="-",
            password=None,
        )
    yield made
    world.session.close()


class Windows:
    """One window for each person; whoever looks is signed in anew, because time passes quickly here."""

    def __init__(self, site: Site, address: str, visit: Callable[[str], Any]) -> None:
        self.site = site
        self.windows = {name: visit(address) for name in ("broker", "near", "bulk", "funder", "p1", "trust")}

    def at(self, name: str, path: str) -> Any:
        self.windows[name].carry(self.site.cookie(f"{name}@example.test"))
        return self.on(name, path)

    def on(self, name: str, path: str) -> Any:
        """Go on to another page, once everything of this one has come: what is cut off would count as a fault."""
        self.windows[name].page.wait_for_load_state("networkidle")
        return self.windows[name].go(path)


@pytest.fixture
def windows(site: Site, serve: Callable[[Flask], str], visit: Callable[[str], Any]) -> Windows:
    """The people, each before their browser."""
    return Windows(site, serve(site.app), visit)


def offer_of(site: Site, name: str) -> str:
    world = site.world
    return world.session.scalars(
        select(Offer.id).where(Offer.tender_id == world.tender.id, Offer.provider_id == world.providers[name].id)
    ).one()


def write(window: Any, label: str, text: str) -> Any:
    window.page.get_by_label(label).fill(text)
    return window


def pick_day(window: Any, legend: str, when: Any) -> Any:
    group = window.page.get_by_role("group", name=legend)
    for part in ("day", "month", "year"):
        group.get_by_label(part.title(), exact=True).fill(str(getattr(when, part)))
    return window


def test_while_offers_come_in(site: Site, windows: Windows) -> None:
    """Rules of a draft; explanation, question and answer, more time, new rules."""
    world = site.world.draft().agree(1, 2)
    at = f"/broker/tenders/{world.tender.id}"
    windows.at("broker", f"{at}/policy").look("life-policy-draft")
    world.agree().publish().three_offers()
    near = windows.at("near", f"/provider/tenders/{world.tender.id}").follow("Ask a question").look("life-question")
    near.press("Publish the question").look("life-question-empty", status=422)
    write(near, "What do you want to know?", "Is there parking at the patients' homes?").press("Publish the question")
    near.look("life-provider-tender")
    question = site.fresh().session.scalars(select(Question)).one().id
    windows.at("broker", "/broker/").look("life-broker-home")
    broker = windows.at("broker", at).look("life-broker-tender").go(f"/broker/questions/{question}").look("life-answer")
    write(broker, "Your answer", "Yes, for an hour.").press("Publish the answer")
    windows.on("broker", f"{at}/clarify").look("life-clarify")
    write(broker, "What do you want to explain?", "A session lasts 40 minutes.").press("Publish the explanation")
    windows.on("broker", f"{at}/extend").look("life-extend")
    broker.press("Extend the deadline").look("life-extend-empty", status=422)
    pick_day(broker, "New last day for offers", world.now + timedelta(days=21))
    write(broker, "Why does the deadline change?", "Easter falls into it.").press("Extend the deadline")
    broker.look("life-broker-tender-talk")
    assert "A session lasts 40 minutes." in broker.text
    broker.go(f"{at}/policy").look("life-policy-open")
    broker.press("Change the rules and ask everybody again").look("life-policy-open-wrong", status=422)
    pick_day(broker, "New last day for offers", world.now + timedelta(days=28))
    write(broker, "What changes, and why?", "Travel counts for more.")
    write(broker, "What one kilometre of travel is worth, per session", "0.60")
    broker.press("Change the rules and ask everybody again").look("life-broker-tender-changed")
    patient = windows.at("p1", f"/patient/invitations/{site.fresh().need(1).id}").look("life-invitation-again")
    assert "have changed, so we ask you again" in patient.text
    windows.at("near", "/provider/offers").look("life-offers-void")
    windows.on("near", f"/provider/tenders/{world.tender.id}").look("life-provider-tender-changed")
    windows.on("near", f"/provider/tenders/{world.tender.id}/offer").look("life-offer-anew")
    windows.at("broker", "/broker/interests").look("life-interests")


def test_after_the_offers_are_open(site: Site, windows: Windows) -> None:
    """An error admitted, an offer left out, the tender cancelled, a new one drafted."""
    world = site.world.draft().agree().publish().three_offers().later(days=15)
    at, bulk = f"/broker/tenders/{world.tender.id}", offer_of(site, "bulk")
    windows.at("bulk", f"/provider/offers/{bulk}/error").look("life-admit-error")
    world.run_round()
    broker = windows.at("broker", f"{at}/offers").look("life-offers")
    broker.go(f"/broker/offers/{bulk}/exclude").look("life-exclude")
    broker.press("Leave the offer out").look("life-exclude-empty", status=422)
    broker.page.get_by_label("Its provider and I have a conflict of interest").check()
    write(broker, "Why is this offer left out?", "Its owner is our director's brother.").press("Leave the offer out")
    broker.look("life-offers-left-out")
    broker.go(at).look("life-broker-tender-rerun")
    broker.go(f"{at}/result").look("life-broker-result-rerun")
    broker.go(f"{at}/award").look("life-broker-award-rerun")
    broker.go("/broker/").look("life-broker-home-rerun")
    broker.go("/broker/tenders?turn=mine").look("life-broker-tenders-rerun")
    match = f"/patient/matches/{site.fresh().match(1).id}"
    patient = windows.at("p1", match).look("life-match-rerun")
    assert "the offers are matched again" in patient.text
    patient.go("/patient/care").look("life-care-rerun")
    windows.at("bulk", f"/provider/offers/{bulk}").look("life-offer-left-out")
    broker = windows.at("broker", f"{at}/cancel").look("life-cancel")
    broker.page.get_by_label("There is an error in the tender").check()
    write(broker, "Why is it cancelled?", "The period was wrong.").press("Cancel the tender")
    broker.look("life-broker-tender-cancelled").press("Draft a new tender").look("life-successor")
    windows.at("p1", match).look("life-match-cancelled")
    windows.at("bulk", f"/provider/tenders/{world.tender.id}").look("life-provider-tender-cancelled")
    windows.on("bulk", f"/tenders/{world.tender.id}").look("life-notice-cancelled")


def test_an_objection(site: Site, windows: Windows) -> None:
    """Feedback read, a representation made, decided by the commissioner."""
    world = site.world.proposed().accept().confirm()
    near = offer_of(site, "near")
    window = windows.at("near", f"/provider/offers/{near}").look("life-offer-result").follow("Read your feedback")
    window.look("life-feedback-waiting")
    prepare_all(site.fresh().session, world.now)
    windows.on("near", "/provider/").look("life-provider-home-result")
    window.go(f"/provider/offers/{near}/feedback").look("life-feedback").follow("Object to the result")
    window.look("life-represent")
    write(window, "What do you think was wrong, and why?", "Our rating was read wrongly.")
    window.press("Send the objection")
    windows.on("near", f"/provider/offers/{near}/feedback").look("life-feedback-objected")
    broker = windows.at("broker", f"/broker/tenders/{world.tender.id}").look("life-broker-tender-review")
    assert "has objected" in broker.text
    match = f"/patient/matches/{site.fresh().match(1).id}"
    windows.at("p1", match).look("life-patient-match-objected")
    row = site.fresh().session.scalars(select(Representation)).one().id
    windows.at("funder", "/commissioner/").look("life-funder-home")
    funder = windows.at("funder", "/commissioner/representations").look("life-representations")
    funder.go(f"/commissioner/representations/{row}").look("life-decide")
    funder.press("Record the decision").look("life-decide-empty", status=422)
    funder.page.get_by_label("Refuse it: the award stands, and the pause goes on").check()
    write(funder, "Your reasons for this decision", "The rating is the regulator's latest.").press(
        "Record the decision"
    )
    windows.on("funder", f"/commissioner/representations/{row}").look("life-representation-decided")
    windows.on("near", f"/provider/offers/{near}").look("life-offer-objection-decided")
    windows.on("broker", f"/broker/tenders/{world.tender.id}").look("life-broker-tender-decided")
    windows.on("p1", match).look("life-patient-match-decided")


def test_a_tender_taken_back_and_an_upheld_objection(site: Site, windows: Windows) -> None:
    """A provider reads that its offer was never opened; a broker, what becomes of a match that is not run again."""
    world = site.world.draft().agree().publish()
    world.offer("near", (0, 5_900))
    with writing(world.session):
        tenders.withdraw_tender(world.session, world.now, world.broking, world.tender.id, "Its group fell apart.")
    near = windows.at("near", f"/provider/offers/{offer_of(site, 'near')}").look("life-offer-never-opened")
    assert "Never opened" in near.text
    near.go("/provider/offers").look("life-offers-never-opened").go("/provider/").look("life-provider-home-withdrawn")
    site.fresh().later(days=1)
    upheld(site)
    broker = windows.at("broker", "/broker/").look("life-broker-home-upheld")
    assert "If not, the tender is cancelled." in broker.text
    broker.go(f"/broker/tenders/{site.world.tender.id}").look("life-broker-tender-upheld")


def test_a_draft_is_deleted_and_a_contract_ended_by_who_pays(site: Site, windows: Windows) -> None:
    """A broker deletes a draft; the commissioner refunds a delivery, ends its contract, and reviews the plan."""
    world = site.world.draft()
    with writing(world.session):
        terms = BundleTerms("physiotherapy", "Stamford", ("PE9",), *PERIOD)
        pools.build_bundle(world.session, world.now, world.broking, world.tender.id, terms)
    windows.at("broker", f"/broker/tenders/{world.tender.id}").look("ends-draft-groups")
    world.agree(1)
    broker = windows.at("broker", f"/broker/tenders/{world.tender.id}").look("ends-draft").follow("Delete the draft")
    broker.press("Delete the draft").look("ends-delete-empty", status=422)
    write(broker, "Why?", "The area was wrong.").press("Delete the draft")
    assert "is deleted" in broker.text
    windows.at("p1", f"/patient/invitations/{world.need(1).id}").look("ends-invitation")
    site.fresh().later(days=1).awarded()
    delivery, contract = world.deliver(1), world.contract(1)
    funder = windows.at("funder", f"/commissioner/budgets/{contract.budget_id}/").look("ends-budget")
    funder.follow("Physiotherapy").look("ends-contract").go(f"/deliveries/{delivery.id}/refund").look("ends-refund")
    write(funder, "Why?", "Nobody came on that day.").press("Take it back")
    funder.follow("End this contract early").look("ends-end")
    write(funder, "Why?", "The provider has closed.").press("End the contract")
    windows.on("funder", f"/commissioner/budgets/{contract.budget_id}/review")
    funder.press("Record the review").look("ends-review-empty", status=422)
    windows.on("funder", "/commissioner/tenders").look("ends-tenders")
    windows.at("bulk", f"/provider/contracts/{contract.id}").look("ends-provider-contract")
    site.fresh().now = datetime(2027, 1, 2, 9, tzinfo=UTC)
    funder = windows.at("funder", f"/commissioner/budgets/{contract.budget_id}/").look("ends-budget-over")
    assert "This budget ended on 31 December 2026" in funder.text


def test_an_organisation_reads_its_contracts(site: Site, windows: Windows) -> None:
    """Those in force, each with its page and its way to an end."""
    world = site.world
    with writing(world.session):
        world.holder = budgets.admit_holder(world.session, world.now, world.funder, "Fen Trust")
        budget = world.budget(1)
        budget.managed_as, budget.holder_id = ManagedAs.THIRD_PARTY, world.holder.id
        accounts.open_account(
            world.session,
            world.now,
            email="trust@example.test",
            name="Fen Trust",
            role=Role.HOLDER,
            party_id=world.holder.id,
            password=PASSWORD,
        )
    world.proposed().accept().confirm().later(days=20)
    contract = world.contract(1)
    for actor in (world.patient(1), world.by_provider(contract), world.holding):
        with writing(world.session):
            contracts.sign_contract(world.session, world.now, actor, contract.id)
    world.deliver(1)
    trust = (
        windows.at("trust", "/holder/")
        .look("ends-holder-home")
        .follow("contract in force")
        .follow("Patient 01")
        .look("ends-holder-contract")
    )
    assert "Patient 01" in trust.follow("End this contract early").heading


def test_organisations_and_representatives(site: Site, windows: Windows) -> None:
    """A provider suspended, and the suspension ended; a daughter appointed, and her authority ended."""
    world = site.world
    funder = windows.at("funder", "/commissioner/organisations").look("life-organisations")
    near = world.providers["near"].id
    funder.go(f"/commissioner/organisations/provider/{near}/suspend").look("life-suspend")
    write(funder, "Why is it suspended?", "Its registration has lapsed.").press("Suspend it")
    funder.look("life-organisations-suspended").follow("End the suspension of Near Physio").look("life-reinstate")
    windows.at("near", "/provider/").look("life-provider-suspended")
    funder.press("End the suspension")
    windows.on("funder", f"/commissioner/patients/{world.patients[0].id}/representatives").look(
        "life-representatives-none"
    )
    funder.press("Appoint them").look("life-representatives-empty", status=422)
    write(funder, "The representative's e-mail address", "daughter@example.test")
    funder.page.get_by_label("Lasting power of attorney").check()
    funder.page.get_by_label("Answer a match, and sign the contract").check()
    funder.page.get_by_label("Say if care took place").check()
    pick_day(funder, "From", world.now)
    pick_day(funder, "Until, including this day", world.now + timedelta(days=300))
    funder.press("Appoint them").look("life-representatives")
    funder.follow("End this authority").look("life-authority-end").press("End this authority")
    assert "Nobody may act for Patient" in funder.text
