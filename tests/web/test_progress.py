"""A match that a worker does: asked for, followed, called off, and what its page says at the end."""

from datetime import timedelta

from sqlalchemy import select

from marketplace.journey.tenders import draft_tender
from marketplace.records.database import writing
from marketplace.records.jobs import Job, JobKind, JobStatus, Worker
from marketplace.rules.lifecycle import TenderStatus
from marketplace.work import steps
from tests.web.site import Site
from tests.work.hands import do_what_was_asked, lend


def closed_with_a_worker(site: Site) -> str:
    """A tender whose offers are open, and a worker that was seen just now. Gives the tender's address."""
    world = site.world.draft().agree().publish().three_offers().later(days=15)
    with writing(world.session):
        world.session.add(Worker(id="w", version="1", started_at=world.now, seen_at=world.now, stopped_at=None))
    return f"/broker/tenders/{world.tender.id}"


def test_a_match_is_asked_for_followed_and_called_off(site: Site) -> None:
    at = closed_with_a_worker(site)
    client = site.client("broker@example.test")
    assert client.post(f"{at}/round").location == f"{at}/progress"
    text = client.get(f"{at}/progress").get_data(as_text=True)
    assert "about to begin" in text
    assert "The match waits to begin" in text
    assert "Running for" not in text
    world = site.fresh()
    with writing(world.session):
        job = world.session.query(Job).one()
        job.status, job.started_at = JobStatus.RUNNING, world.now
        job.progress = {
            "part_count": 2,
            "parts": [
                {"level": "effective_cost", "value": 600_000, "bound": 597_000, "gap_permille": 5.0},
                {"level": "coverage", "value": 0, "bound": None, "gap_permille": None},
            ],
        }
    text = client.get(f"{at}/progress").get_data(as_text=True)
    assert '<span id="heading">The match is running</span>' in text
    assert 'hx-select-oob="#heading"' in text
    assert "The match goes on without you." in text
    assert "Finding the least cost" in text
    assert "0.5% at most from the best" in text
    client.post(f"{at}/progress/stop")
    assert "being stopped" in client.get(f"{at}/progress").get_data(as_text=True)
    world = site.fresh()
    with writing(world.session):
        job = world.session.query(Job).one()
        job.status, job.message, job.finished_at = JobStatus.CANCELLED, "The match was stopped.", world.now
    assert client.get(f"{at}/progress").location == at
    assert "The match was stopped." in client.get(at).get_data(as_text=True)
    moved = client.get(f"{at}/progress", headers={"HX-Request": "true"})
    assert (moved.status_code, moved.headers["HX-Redirect"]) == (204, at)
    assert site.fresh().tender.status is TenderStatus.CLOSED


def test_without_a_worker_it_waits_for_one(site: Site) -> None:
    """The request only asks; the page says that nobody is there yet, and leads on once somebody has done it."""
    world = site.world.draft().agree().publish().three_offers().later(days=15)
    at = f"/broker/tenders/{world.tender.id}"
    client = site.client("broker@example.test")
    for _ in range(2):
        assert client.post(f"{at}/round").location == f"{at}/progress"
    waiting = client.get(f"{at}/progress").text
    assert "Other work is being done first" in waiting
    assert "Before it in line" not in waiting
    assert site.fresh().tender.status is TenderStatus.CLOSED
    assert do_what_was_asked(world) == 1
    assert client.get(f"{at}/progress").location == f"{at}/result"
    assert "independent check" in client.get(f"{at}/result").text
    assert world.tender.status is TenderStatus.PROPOSED


def test_a_match_in_line_says_its_place(site: Site) -> None:
    """Others that were asked for before, and are not finished, come first; a page says so, and not that it runs."""
    at = closed_with_a_worker(site)
    client, world = site.client("broker@example.test"), site.world
    client.post(f"{at}/round")
    with writing(world.session):
        job = world.session.scalars(select(Job)).one()
        asked = {name: getattr(job, name) for name in ("asked_by", "asked_as", "asked_for")}
        for minutes, status in ((3, JobStatus.DONE), (2, JobStatus.RUNNING), (1, JobStatus.QUEUED)):
            other = draft_tender(world.session, world.now, world.broking, f"Other {minutes}", world.policy)
            asked_at = world.now - timedelta(minutes=minutes)
            world.session.add(Job(kind=JobKind.ROUND, tender_id=other.id, status=status, asked_at=asked_at, **asked))
    text = client.get(f"{at}/progress").text
    assert "It is number 3 in line" in text
    assert "2 matches or comparisons" in text
    assert "is running" not in text


def test_stopped_in_the_middle(site: Site) -> None:
    """Stopped while the engine is at it: the page says so, and leads back to a tender that is closed again."""
    at = closed_with_a_worker(site)
    client = site.client("broker@example.test")
    client.post(f"{at}/round")
    lend(site.world)
    job_id = site.fresh().session.scalars(select(Job.id)).one()
    round_id = steps.freeze(job_id)
    assert round_id is not None
    answer = steps.solve(job_id, round_id)
    assert "Part 1" in client.get(f"{at}/progress").text
    client.post(f"{at}/progress/stop")
    steps.record(job_id, round_id, answer)
    assert client.get(f"{at}/progress").location == at
    assert "was stopped before it was finished" in client.get(at).text
    assert site.fresh().tender.status is TenderStatus.CLOSED


def test_nobody_else_can_follow_or_stop_it(site: Site) -> None:
    at = closed_with_a_worker(site)
    for email in ("near@example.test", "p1@example.test"):
        assert site.client(email).post(f"{at}/round").status_code == 403
        assert site.client(email).get(f"{at}/progress").status_code == 403
