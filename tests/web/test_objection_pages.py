"""An objection to an award, as everybody concerned reads it: that it waits, how it was decided, what comes next."""

import re
from html import unescape

from sqlalchemy import select

from marketplace.journey import reviews
from marketplace.queries.words import day, moment
from marketplace.records.database import writing
from marketplace.records.offers import Offer
from marketplace.records.people import User
from marketplace.records.tenders import Decision, Representation
from marketplace.rules.lifecycle import TenderStatus
from tests.web.reading import grade_of, sentences_of
from tests.web.site import Site
from tests.web.test_easy_read import main_part, same
from tests.web.test_reading_age import MOST_GRADE, MOST_WORDS

REASONS = "The rating is the regulator's latest."


def objected(site: Site) -> str:
    """An award to which Near Physio has objected. Returns the objection's id."""
    world = site.world.proposed().accept().confirm()
    with writing(world.session):
        reviews.represent(world.session, world.now, world.provider("near"), world.tender.id, "Our rating was misread.")
    return world.session.scalars(select(Representation.id)).one()


def decided(site: Site, decision: Decision) -> str:
    row = objected(site)
    with writing(site.world.session):
        site.world.session.scalars(select(User).where(User.email == "funder@example.test")).one().name = "Ann Reviewer"
    typed = {"decision": decision.value, "reasons": REASONS}
    assert (
        site.client("funder@example.test").post(f"/commissioner/representations/{row}", data=typed).status_code == 302
    )
    site.fresh()
    return row


def offer_path(site: Site, name: str = "near") -> str:
    world = site.world
    offer = select(Offer.id).where(Offer.tender_id == world.tender.id, Offer.provider_id == world.providers[name].id)
    return f"/provider/offers/{world.session.scalars(offer).one()}"


def read(site: Site, email: str, path: str) -> str:
    answer = site.client(email).get(path)
    assert answer.status_code == 200, path
    text = answer.get_data(as_text=True)
    main = text[text.index("<main") : text.index("</main>")]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())


def easily_read(site: Site, path: str) -> None:
    """Both twins of the page are short and plain."""
    for kind, most in MOST_WORDS.items():
        sentences = sentences_of(main_part(site.client("p1@example.test"), path, easy=bool(kind)))
        longest = max(sentences, key=len)
        assert len(longest) <= most, " ".join(longest)
        assert grade_of(sentences) <= MOST_GRADE


def test_who_waits_for_a_decision_reads_until_when(site: Site) -> None:
    """The pause's old end stands on nobody's page any more."""
    objected(site)
    world = site.world
    match, by = f"/patient/matches/{world.match(1).id}", moment(world.tender.review_by)
    old = day(world.tender.standstill_ends_at)
    assert by in read(site, "near@example.test", offer_path(site))
    other = read(site, "bulk@example.test", offer_path(site, "bulk"))
    assert "Nobody else can object until this is decided" in other
    assert by in other
    assert old not in other
    assert "Nobody else can object" not in read(site, "near@example.test", offer_path(site))
    patient = read(site, "p1@example.test", match)
    assert "A provider has objected to the result" in patient
    assert by in patient
    assert old not in patient
    assert old not in read(site, "p1@example.test", "/patient/")
    same(site, match)
    easily_read(site, match)


def test_a_refusal_tells_everybody_who_when_and_what_comes_next(site: Site) -> None:
    """The commissioner's own people read a name; the others, which office it was."""
    row = decided(site, Decision.REFUSED)
    world = site.world
    match, made_on = f"/patient/matches/{world.match(1).id}", moment(world.now)
    ends = moment(world.tender.standstill_ends_at)
    own = read(site, "funder@example.test", f"/commissioner/representations/{row}")
    assert all(told in own for told in ("Decided by Ann Reviewer", made_on, REASONS, ends))
    assert own.count(ends) == 1, "the condition and its day are said once for all readers"
    assert all(f"{reader} " in own for reader in ("Near Physio", "The broker", "Patients", "You"))
    for path in (offer_path(site), f"{offer_path(site)}/feedback"):
        provider = read(site, "near@example.test", path)
        assert "Somebody at Lincolnshire funder who had no part in the tender" in provider
        assert all(told in provider for told in (made_on, REASONS, ends, "can object until"))
        assert "Object to the result" in provider
        assert "Ann Reviewer" not in provider
    broker = read(site, "broker@example.test", f"/broker/tenders/{world.tender.id}")
    assert all(told in broker for told in ("Somebody at Lincolnshire funder who had no part", made_on, REASONS, ends))
    patient = read(site, "p1@example.test", match)
    assert all(told in patient for told in ("decided that the result stands", day(world.now), ends))
    same(site, match)
    easily_read(site, match)


def test_an_upheld_objection_is_read_while_the_match_is_run_again(site: Site) -> None:
    """Who objected reads the decision on the offer's page when there is no result any more to give feedback on."""
    row = decided(site, Decision.RUN_AGAIN)
    world = site.world
    match, tender = f"/patient/matches/{world.match(1).id}", f"/broker/tenders/{world.tender.id}"
    assert "If not, the tender is cancelled." in read(site, "broker@example.test", tender)
    assert "Every offer counts as it was sealed" in read(site, "near@example.test", offer_path(site))
    assert "A provider objected to the result, and was right" in read(site, "p1@example.test", match)
    same(site, match)
    easily_read(site, match)
    assert site.fresh().run_round().tender.status is TenderStatus.PROPOSED
    assert REASONS in read(site, "near@example.test", offer_path(site))
    own = read(site, "funder@example.test", f"/commissioner/representations/{row}")
    assert "unless a provider objects to the new result" in own
    assert "Everybody with a match was told that it counts no longer." in own


def test_a_tender_cancelled_for_an_objection_says_so_to_all(site: Site) -> None:
    """Nobody is promised a contract any more, and who objected can read why it was right."""
    row = decided(site, Decision.CANCEL)
    world = site.world
    match = f"/patient/matches/{world.match(1).id}"
    assert REASONS in read(site, "near@example.test", offer_path(site))
    assert "Nothing: the tender has ended." in read(site, "funder@example.test", f"/commissioner/representations/{row}")
    assert "You can begin again with a new draft" in read(
        site, "broker@example.test", f"/broker/tenders/{world.tender.id}"
    )
    patient = read(site, "p1@example.test", match)
    assert "Nothing will come of this match" in patient
    assert "sign a contract" not in patient
    same(site, match)
    easily_read(site, match)


def test_an_objection_that_nobody_decided_says_that_the_tender_ended(site: Site) -> None:
    """Its time ran out: that is told apart from one that waits still."""
    objected(site)
    site.world.later(days=60)
    assert site.fresh().tender.status is TenderStatus.CANCELLED
    assert "Nobody decided it" in read(site, "near@example.test", offer_path(site))
    broker = read(site, "broker@example.test", f"/broker/tenders/{site.world.tender.id}")
    assert "The tender ended before anybody decided it." in broker
