"""Before somebody signs they read what they sign: the first visit, how to book it, and what holds if it goes wrong."""

from datetime import timedelta

from marketplace.journey import sites
from marketplace.queries.words import day, moment
from marketplace.records.database import writing
from marketplace.rules.sites import SiteStatement
from tests.web.site import Site
from tests.web.test_easy_read import main_part, same

P1 = "p1@example.test"


def test_the_terms_stand_above_the_signature(site: Site) -> None:
    """On both twins and on paper, and still there once all have signed."""
    world = site.world.proposed().accept().confirm().later(days=20)
    contract = world.contract(1)
    path = f"/patient/contracts/{contract.id}"
    same(site, path)
    rules = ("14 days", "missed", "does not go up", "say why", "31 October 2026", moment(contract.ends_at)[4:])
    for easy in (False, True):
        page = main_part(site.client(P1), path, easy=easy)
        for words in (*rules, "first visit is within 14 days", "Fen Brokers"):
            assert words in page, words
        assert page.index("by <strong>") < page.index("does not go up") < page.index("Sign the contract")
        assert "Done and left" not in page
        assert "last day for it" not in page, "not all have signed"
    paper = site.client(P1).get(f"{path}/print").text
    assert all(words in paper for words in (*rules, "within 14 days of the day when both sides have signed"))
    world.sign(1)
    same(site, path)
    for easy in (False, True):
        page = main_part(site.client(P1), path, easy=easy)
        assert "Sign the contract" not in page
        assert all(words in page for words in (*rules, "Done and left", "first visit is within 14 days"))
        signed_on = world.contract(1).last_signed_at
        assert signed_on is not None
        assert f"The last day for it is {day(signed_on + timedelta(days=14))}." in page


def test_how_to_book_is_the_providers_word_of_today(site: Site) -> None:
    """It is read from the place as it is now, and by nobody who has no contract there."""
    world = site.world.proposed().accept()
    match = f"/patient/matches/{world.match(1).id}"
    reach = "01632 960123"
    with writing(world.session):
        place = world.match(1).award.offer.site
        assert place is not None
        said = SiteStatement("bulk clinic", ("physiotherapy",), ("step_free",), 14, contact=f" {reach} ")
        sites.state_site(world.session, world.now, world.provider("bulk"), place.id, said)
    assert reach not in site.client(P1).get(match).text
    world.confirm().later(days=20)
    path = f"/patient/contracts/{world.contract(1).id}"
    assert all(reach in main_part(site.client(P1), path, easy=easy) for easy in (False, True))
    assert reach in site.client(P1).get(f"{path}/print").text


def test_two_sessions_took_place_and_one_did(site: Site) -> None:
    world = site.world.awarded()
    world.deliver(1, 2)
    world.record(1)
    path = f"/patient/contracts/{world.contract(1).id}"
    same(site, path)
    for easy in (False, True):
        page = main_part(site.client(P1), path, easy=easy)
        assert "First answer the visits that wait for you" in page
        assert "first visit is within" not in page
        assert "reach" in page
    world.deliver(1)
    for page in (main_part(site.client(P1), path, easy=True), site.client(P1).get(f"{path}/print").text):
        assert "They took place" in page
        assert "It took place" in page
