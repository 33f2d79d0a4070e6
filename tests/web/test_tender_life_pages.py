"""The ways back have pages: each takes what is right, names the field of what is wrong, and is shut to others."""

import re
from datetime import timedelta

from sqlalchemy import select

from marketplace.journey import accounts
from marketplace.records.audit import AuditEvent
from marketplace.records.database import writing
from marketplace.records.offers import Offer, OfferStatus
from marketplace.records.outbox import Message
from marketplace.records.people import Authority, Broker, Interest
from marketplace.records.providers import Provider
from marketplace.records.tenders import Amendment, Question, Representation, Tender
from marketplace.rules.lifecycle import LotResult, TenderStatus
from marketplace.rules.permissions import Role
from marketplace.work.feedback import prepare_all
from tests.web.site import Site
from tests.work.hands import do_what_was_asked
from tests.worlds import BUDGET_PENCE

BROKER, NEAR, BULK, FUNDER = (f"{name}@example.test" for name in ("broker", "near", "bulk", "funder"))


def refuses(site: Site, email: str, path: str, typed: dict[str, str], *names: str) -> str:
    """The page is shown first, and again with what was typed and the named fields in its error summary."""
    client = site.client(email)
    assert client.get(path).status_code == 200
    answer = client.post(path, data=typed)
    assert answer.status_code == 422, answer.text[-500:]
    for name in names:
        assert f'href="#{name}"' in answer.text, name
    assert all(value in answer.text for value in typed.values() if len(value) > 8)
    return answer.text


def takes(site: Site, email: str, path: str, typed: dict[str, str]) -> str:
    """The page does its step and leads on."""
    answer = site.client(email).post(path, data=typed)
    assert answer.status_code == 302, answer.text[-2000:]
    return str(answer.location)


def shut(site: Site, path: str, *emails: str, status: int = 403) -> None:
    for email in emails:
        client = site.client(email)
        assert {client.get(path).status_code, client.post(path, data={"text": "x"}).status_code} <= {status, 405}


def day(name: str, when: object) -> dict[str, str]:
    return {f"{name}-{part}": str(getattr(when, part)) for part in ("day", "month", "year")}


def test_an_open_tender_is_explained_and_given_more_time(site: Site) -> None:
    world = site.world.draft().agree().publish().three_offers()
    at, due = f"/broker/tenders/{world.tender.id}", world.tender.offers_due_at
    refuses(site, BROKER, f"{at}/clarify", {"text": " "}, "text")
    takes(site, BROKER, f"{at}/clarify", {"text": "Sessions last 40 minutes."})
    earlier, later = day("offers_due_on", due - timedelta(days=5)), day("offers_due_on", due + timedelta(days=5))
    refuses(site, BROKER, f"{at}/extend", {**earlier, "text": "It takes longer"}, "offers_due_on-day")
    refuses(site, BROKER, f"{at}/extend", later, "text")
    takes(site, BROKER, f"{at}/extend", {**later, "text": "It takes longer"})
    shut(site, f"{at}/clarify", NEAR, FUNDER, "p1@example.test")
    shut(site, f"{at}/extend", NEAR, FUNDER)
    page = site.client(BROKER).get(at).text
    assert "Sessions last 40 minutes." in page
    assert "It takes longer" in page
    assert "Explained or changed since it was published" in page
    fresh = site.fresh()
    assert fresh.tender.offers_due_at > due
    assert {offer.status for offer in fresh.tender.offers} == {OfferStatus.STANDING}
    world.later(days=30)
    assert site.client(BROKER).get(f"{at}/clarify").status_code == 409


def test_what_came_after_the_publication_is_called_what_it_is(site: Site) -> None:
    """An explanation changes nothing; a deadline that was put off again is told as past."""
    world = site.world.draft().agree().publish()
    at, notice = f"/broker/tenders/{world.tender.id}", f"/tenders/{world.tender.id}"
    pages = [(NEAR, f"/provider{notice}"), (BROKER, at), (NEAR, notice)]
    takes(site, BROKER, f"{at}/clarify", {"text": "Sessions last 40 minutes."})
    for who, page in pages:
        assert ">Explained since it was published</h2>" in site.client(who).get(page).text
    due = world.tender.offers_due_at
    for days in (5, 9):
        later = day("offers_due_on", due + timedelta(days=days))
        takes(site, BROKER, f"{at}/extend", {**later, "text": "It takes longer"})
    for who, page in pages:
        text = site.client(who).get(page).text
        assert ">Explained or changed since it was published</h2>" in text
        assert text.count("<p>Offers were then asked for by ") == text.count("<p>Offers by ") == 1


def test_changing_the_rules_voids_what_was_agreed(site: Site) -> None:
    """A draft is amended; an open tender's offers and agreements fall, and the page says so before."""
    world = site.world.draft().agree(1, 2)
    path = f"/broker/tenders/{world.tender.id}/policy"
    rules = {"pence_per_quality_grade": "3.00", "pence_per_km": "0.55", "minimum_offers": "1", "answer_days": "9"}
    refuses(site, BROKER, path, {**rules, "answer_days": "90"}, "answer_days")
    takes(site, BROKER, path, rules)
    matching, process = site.fresh().tender.policy["matching"], world.tender.policy["process"]
    assert (matching["pence_per_km"], matching["best_grade"], process["standstill_working_days"]) == (55, 4, 8)
    world.agree().publish().three_offers()
    assert "Offers and agreements become void" in site.client(BROKER).get(path).text
    later = day("offers_due_on", world.now + timedelta(days=30))
    refuses(site, BROKER, path, {**rules, **later}, "text")
    text = {"text": "Travel counts for more."}
    assert "nothing would change" in refuses(site, BROKER, path, {**rules, **later, **text})
    stale = site.fresh().read(1)
    takes(site, BROKER, path, {**rules, **later, **text, "pence_per_km": "0.60"})
    assert {offer.status for offer in site.fresh().tender.offers} == {OfferStatus.VOID}
    assert world.money(1)["reserved"] == 0
    shut(site, path, NEAR, FUNDER, "p1@example.test")
    invitation = f"/patient/invitations/{world.need(1).id}"
    assert invitation in site.client("p1@example.test").get("/patient/").text
    assert "have changed, so we ask you again" in site.client("p1@example.test").get(invitation).text
    for read in (stale, {}):  # a page left open since before, or one that shows nothing to say yes to
        answer = site.client("p1@example.test").post(invitation, data={"default_answer": "accept"} | read)
        assert answer.status_code == 409
        assert "The rules of this group have changed since you opened the page" in answer.text
        assert re.search(r'value="accept"[^>]* checked', answer.text)
        assert f'value="{site.fresh().tender.policy_sha256}"' in answer.text
    takes(site, "p1@example.test", invitation, {"default_answer": "accept"} | world.read(1))
    assert site.fresh().money(1)["reserved"] == BUDGET_PENCE


def test_questions_are_answered_for_everybody(site: Site) -> None:
    """The asker is named nowhere."""
    world = site.world.draft().agree().publish()
    at = f"/provider/tenders/{world.tender.id}"
    refuses(site, NEAR, f"{at}/question", {"text": ""}, "text")
    takes(site, NEAR, f"{at}/question", {"text": "Is parking free?"})
    question = site.fresh().session.scalars(select(Question)).one().id
    path = f"/broker/questions/{question}"
    assert path in site.client(BROKER).get("/broker/").text
    refuses(site, BROKER, path, {"text": ""}, "text")
    shut(site, path, NEAR, FUNDER)
    shut(site, f"{at}/question", BROKER, FUNDER)
    takes(site, BROKER, path, {"text": "Yes, for an hour."})
    assert site.client(BROKER).get(path).status_code == 409
    for email, page in ((BULK, at), (BROKER, f"/broker/tenders/{world.tender.id}")):
        read = site.client(email).get(page).text
        assert "Yes, for an hour." in read
        assert "Near" not in read


def test_an_offer_is_left_out_and_the_match_run_again(site: Site) -> None:
    world = site.world.proposed()
    tender, bulk = world.tender.id, offer_of(site, "bulk")
    offers, path = f"/broker/tenders/{tender}/offers", f"/broker/offers/{bulk}/exclude"
    assert path in site.client(BROKER).get(offers).text
    refuses(site, BROKER, path, {"reason": "Brother of our director"}, "code")
    refuses(site, BROKER, path, {"code": "conflict"}, "reason")
    refuses(site, BROKER, path, {"code": "conflict", "reason": "no"}, "reason")
    assert "Its provider is suspended" not in site.client(BROKER).get(path).text
    refuses(site, BROKER, path, {"code": "suspension", "reason": "It is suspended, we think"}, "code")
    shut(site, path, BULK, FUNDER)
    takes(site, BROKER, path, {"code": "conflict", "reason": "Brother of our director"})
    assert site.client(BROKER).get(path).status_code == 200
    assert "Brother of our director" in site.client(BROKER).get(offers).text
    assert "Run the match again" in site.client(BROKER).get(f"/broker/tenders/{tender}").text
    takes(site, BROKER, f"/broker/tenders/{tender}/round", {})
    do_what_was_asked(world)
    assert "bulk" not in site.fresh().providers_by_patient().values()


def test_a_cancelled_tender_has_a_successor(site: Site) -> None:
    world = site.world.draft().agree().publish()
    at = f"/broker/tenders/{world.tender.id}"
    assert site.client(BROKER).get(f"{at}/cancel").status_code == 409
    world.three_offers().later(days=15)
    assert site.client(BROKER).post(f"{at}/successor").status_code == 409
    refuses(site, BROKER, f"{at}/cancel", {"code": "review", "reason": "The period was wrong"}, "code")
    refuses(site, BROKER, f"{at}/cancel", {"code": "error_in_tender"}, "reason")
    refuses(site, BROKER, f"{at}/cancel", {"code": "error_in_tender", "reason": "no"}, "reason")
    shut(site, f"{at}/cancel", NEAR, FUNDER)
    takes(site, BROKER, f"{at}/cancel", {"code": "error_in_tender", "reason": "The period was wrong"})
    assert site.fresh().tender.status is TenderStatus.CANCELLED
    assert world.money(1)["reserved"] == 0
    assert "Draft a new tender" in site.client(BROKER).get(at).text
    successor = takes(site, BROKER, f"{at}/successor", {})
    assert successor in site.client(BROKER).get(at).text
    assert site.client(BROKER).get(successor).status_code == 200
    assert site.fresh().session.scalars(select(Tender.predecessor_id).where(Tender.predecessor_id.is_not(None))).one()


def test_one_group_is_cancelled_and_the_other_goes_on(site: Site) -> None:
    """The page offers the groups where there are several; the money of those in the cancelled one is free."""
    world = site.world.draft()
    second = world.second_lot(12).id
    first, path = world.bundle.id, f"/broker/tenders/{world.tender.id}/cancel"
    world.agree().publish().three_offers().later(days=15)
    assert second in site.client(BROKER).get(path).text
    typed = {"bundle_ids": first, "code": "no_longer_needed", "reason": "Everybody there has moved"}
    refuses(site, BROKER, path, {**typed, "code": ""}, "code")
    assert site.client(BROKER).post(path, data={**typed, "bundle_ids": "0000000000000000"}).status_code == 404
    takes(site, BROKER, path, typed)
    results = {bundle.id: bundle.result for bundle in site.fresh().tender.bundles}
    assert results == {first: LotResult.CANCELLED, second: LotResult.ACTIVE}
    assert (world.tender.status, world.money(1)["reserved"]) == (TenderStatus.CLOSED, 0)


def test_a_broker_declares_an_interest(site: Site) -> None:
    """From then on that provider cannot bid."""
    world, path = site.world, "/broker/interests"
    refuses(site, BROKER, path, {"kind": "owns"}, "provider_id")
    refuses(site, BROKER, path, {"provider_id": world.providers["near"].id}, "kind")
    takes(site, BROKER, path, {"provider_id": world.providers["near"].id, "kind": "owns"})
    assert site.fresh().session.scalars(select(Interest.holder_id)).one() == world.broker.id
    page = site.client(BROKER).get(path).text
    assert "We own it" in page
    shut(site, path, NEAR, FUNDER)
    end = f"{path}/{site.world.session.scalars(select(Interest.id)).one()}/end"
    assert end in page
    shut(site, end, NEAR, FUNDER)
    takes(site, BROKER, end, {})
    assert "You have declared no interest" in site.client(BROKER).get(path).text


def offer_of(site: Site, name: str) -> str:
    world = site.world
    return world.session.scalars(
        select(Offer.id).where(Offer.tender_id == world.tender.id, Offer.provider_id == world.providers[name].id)
    ).one()


def test_somebody_elses_are_not_found(site: Site) -> None:
    world = site.world.draft().agree().publish()
    unknown = "0000000000000000"
    client = site.client(BROKER)
    for path in (f"/broker/tenders/{unknown}/{page}" for page in ("clarify", "extend", "policy", "cancel", "offers")):
        assert client.get(path).status_code == 404, path
    assert client.get(f"/broker/questions/{unknown}").status_code == 404
    assert client.get(f"/broker/offers/{unknown}/exclude").status_code == 404
    world.three_offers()
    sealed = site.client(BROKER).get(f"/broker/offers/{offer_of(site, 'near')}/exclude")
    assert sealed.status_code == 404
    assert world.session.scalars(select(Amendment)).all() == []
    assert world.money(1)["reserved"] == BUDGET_PENCE


def test_a_provider_owns_up_to_an_error(site: Site) -> None:
    world = site.world.draft().agree().publish().three_offers()
    path = f"/provider/offers/{offer_of(site, 'bulk')}"
    assert site.client(BULK).get(f"{path}/error").status_code == 409
    world.later(days=15)
    assert f"{path}/error" in site.client(BULK).get(path).text
    refuses(site, BULK, f"{path}/error", {"reason": ""}, "reason")
    shut(site, f"{path}/error", BROKER, FUNDER)
    shut(site, f"{path}/error", NEAR, status=404)
    takes(site, BULK, f"{path}/error", {"reason": "The price has a nought too few"})
    assert "The price has a nought too few" in site.client(BULK).get(path).text
    assert site.client(BULK).get(f"{path}/error").status_code == 409


def test_feedback_is_read_once_the_award_is_confirmed(site: Site) -> None:
    """The page says that it is being prepared until a worker has written it; what was told stays."""
    world = site.world.proposed().accept()
    used, beaten = (f"/provider/offers/{offer_of(site, name)}/feedback" for name in ("bulk", "near"))
    assert site.client(BULK).get(used).status_code == 404
    world.confirm()
    assert "being prepared" in site.client(NEAR).get(beaten).text
    home = site.client(NEAR).get("/provider/").text
    assert beaten in home
    assert "Your feedback is being written" in home
    assert "You can object until the end of" in home
    assert prepare_all(site.fresh().session, world.now) == 3
    assert prepare_all(world.session, world.now) == 0
    assert "Your offer was used: 120 sessions for 12 people" in site.client(BULK).get(used).text
    assert "Read the feedback on your offer" in site.client(NEAR).get("/provider/").text
    told = site.client(NEAR).get(beaten).text
    assert "Your offer was not used" in told
    assert re.search(r"If all your prices had been £[\d.]+ lower for each session, your offer would have been", told)
    shut(site, used, NEAR, status=404)
    shut(site, used, BROKER, FUNDER)
    world.now = world.tender.standstill_ends_at
    assert beaten not in site.client(NEAR).get("/provider/").text


def objected(site: Site) -> str:
    """A bidder has objected to the award; returns the path of the decision."""
    world = site.world.proposed().accept().confirm()
    path = f"/provider/tenders/{world.tender.id}/represent"
    refuses(site, NEAR, path, {"grounds": " "}, "grounds")
    shut(site, path, BROKER, FUNDER)
    takes(site, NEAR, path, {"grounds": "Our rating was read wrongly."})
    row = site.fresh().session.scalars(select(Representation)).one()
    assert site.client(NEAR).get(path).status_code == 409
    return f"/commissioner/representations/{row.id}"


def test_a_representation_is_refused_by_somebody_else(site: Site) -> None:
    """With reasons, which its provider reads; whoever has decided here once does not decide again."""
    path, world = objected(site), site.world
    offer = f"/provider/offers/{offer_of(site, 'near')}/feedback"
    assert "It is not decided yet" in site.client(NEAR).get(offer).text
    assert "has objected" in site.client(BROKER).get(f"/broker/tenders/{world.tender.id}").text
    assert "Our rating was read wrongly." in site.client(BROKER).get(f"/broker/tenders/{world.tender.id}").text
    assert "1 objection to decide" in site.client(FUNDER).get("/commissioner/").text
    assert path in site.client(FUNDER).get("/commissioner/representations").text
    asked = site.client(FUNDER).get(path).text
    for told in ("near clinic", "Rating when it was sealed", "Physiotherapy, Lincoln", "the tender is cancelled"):
        assert told in asked, told
    assert "Bulk" not in asked
    refuses(site, FUNDER, path, {"reasons": "The rating is right."}, "decision")
    refuses(site, FUNDER, path, {"decision": "refused"}, "reasons")
    assert "at least 10 characters" in refuses(site, FUNDER, path, {"decision": "refused", "reasons": "no"}, "reasons")
    shut(site, path, BROKER, NEAR)
    typed = {"decision": "refused", "reasons": "The rating is right."}
    takes(site, FUNDER, path, typed)
    assert "The rating is right." in site.client(NEAR).get(offer).text
    assert site.client(FUNDER).post(path, data=typed).status_code == 409
    takes(site, BULK, f"/provider/tenders/{world.tender.id}/represent", {"grounds": "And what about ours?"})
    second = site.fresh().session.scalars(select(Representation.id).where(Representation.decision.is_(None))).one()
    assert "a colleague must decide" in refuses(site, FUNDER, f"/commissioner/representations/{second}", typed)


def test_a_representation_upheld_has_the_match_run_again(site: Site) -> None:
    """The old feedback goes with the old result."""
    path, world = objected(site), site.world
    prepare_all(world.session, world.now)
    takes(site, FUNDER, path, {"decision": "run_again", "reasons": "The rating was read wrongly."})
    feedback = f"/provider/offers/{offer_of(site, 'near')}/feedback"
    assert "feedback on the new result" in site.client(NEAR).get(feedback).text
    assert prepare_all(site.fresh().session, world.now) == 0
    at = f"/broker/tenders/{world.tender.id}"
    assert "Run the match again" in site.client(BROKER).get("/broker/").text
    assert "Run the match again" in site.client(BROKER).get(at).text
    assert "/progress" in takes(site, BROKER, f"{at}/round", {})
    assert site.fresh().run_round().tender.status is TenderStatus.PROPOSED


def test_organisations_are_suspended_and_taken_back(site: Site) -> None:
    """Each suspension is ended on a page of its own that says what it was for and what will happen."""
    world = site.world
    for party_kind, party in ((Provider, world.providers["near"].id), (Broker, world.broker.id)):
        kind = party_kind.__name__.lower()
        path = f"/commissioner/organisations/{kind}/{party}"
        assert path in site.client(FUNDER).get("/commissioner/organisations").text
        refuses(site, FUNDER, f"{path}/suspend", {"reason": ""}, "reason")
        shut(site, f"{path}/suspend", BROKER, NEAR)
        takes(site, FUNDER, f"{path}/suspend", {"reason": "Its licence has lapsed"})
        assert "Its licence has lapsed" in site.client(FUNDER).get("/commissioner/organisations").text
        assert site.client(FUNDER).get(f"{path}/suspend").status_code == 409
        own = site.client(NEAR if kind == "provider" else BROKER).get(f"/{kind}/").text
        assert "You are suspended" in own
        assert "Its licence has lapsed" in own
        assert "End the suspension" in site.client(FUNDER).get("/commissioner/organisations").text
        shut(site, f"{path}/reinstate", BROKER, NEAR)
        asked = site.client(FUNDER).get(f"{path}/reinstate").text
        for told in (
            "Its licence has lapsed",
            "Monday 2 March 2026 at 9am",
            "What happens when you end it",
            "It is told",
        ):
            assert told in asked, told
        assert site.fresh().session.get_one(party_kind, party).suspended_at is not None
        takes(site, FUNDER, f"{path}/reinstate", {})
        assert site.fresh().session.get_one(party_kind, party).suspended_at is None
        event = select(AuditEvent.actor_id).where(
            AuditEvent.event == f"{kind}.reinstated", AuditEvent.about_id == party
        )
        assert len(world.session.scalars(event).all()) == 1
        told_of = select(Message).where(Message.template == "reinstated", Message.party_id == party)
        assert len(world.session.scalars(told_of).all()) == 1
        assert "Its licence has lapsed" not in site.client(FUNDER).get("/commissioner/organisations").text
        assert site.client(FUNDER).get(f"{path}/reinstate").status_code == 409
    assert site.client(FUNDER).get("/commissioner/organisations/broker/0000000000000000/suspend").status_code == 404


def test_somebody_is_appointed_to_act_for_a_patient(site: Site) -> None:
    """By their address, for some things, for some time; and the commissioner can end it."""
    world = site.world
    with writing(world.session):
        daughter = accounts.open_account(
            world.session,
            world.now,
            email="daughter@example.test",
            name="A. Daughter",
            role=Role.REPRESENTATIVE,
            party_id="-",
            password=None,
        )
        daughter_id = daughter.id
    path = f"/commissioner/patients/{world.patients[0].id}/representatives"
    typed: dict[str, str] = {
        "email": "daughter@example.test",
        "basis": "power_of_attorney",
        "scopes": "matches",
        **day("valid_from", world.now),
        **day("valid_to", world.now + timedelta(days=300)),
    }
    for wrong, name in (("email", "email"), ("basis", "basis"), ("scopes", "scopes"), ("valid_to-day", "valid_to-day")):
        refuses(site, FUNDER, path, {**typed, wrong: ""}, name)
    refuses(site, FUNDER, path, {**typed, "email": "nobody@example.test"}, "email")
    refuses(site, FUNDER, path, {**typed, "email": NEAR}, "email")
    refuses(site, FUNDER, path, {**typed, "valid_to-year": "2025"}, "valid_to-day")
    shut(site, path, BROKER, NEAR, "p1@example.test")
    takes(site, FUNDER, path, typed)
    page = site.client(FUNDER).get(path).text
    assert "A. Daughter" in page
    authority = site.fresh().session.scalars(select(Authority)).one()
    assert (authority.representative_id, authority.scopes) == (daughter_id, ["matches"])
    end = f"/commissioner/authorities/{authority.id}/end"
    assert end in page
    shut(site, end, BROKER, NEAR)
    asked = site.client(FUNDER).get(end).text
    assert "that yes counts no more" in asked
    assert site.fresh().session.get_one(Authority, authority.id).ended_at is None
    takes(site, FUNDER, end, {})
    assert site.client(FUNDER).post(end).status_code == 409
    assert end not in site.client(FUNDER).get(path).text
    unknown = "0000000000000000"
    assert site.client(FUNDER).get(f"/commissioner/patients/{unknown}/representatives").status_code == 404
