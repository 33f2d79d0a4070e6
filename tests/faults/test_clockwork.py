"""The worker keeps time and the post: what is due happens without anybody asking for it."""

import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from marketplace.journey.studies import Asked
from marketplace.records.database import writing
from marketplace.records.studies import Study
from marketplace.rules.lifecycle import TenderStatus
from marketplace.work import client
from marketplace.work.supervise import run_together
from marketplace.work.system import client_on, open_system
from tests.faults.workers import Crew, wait_until
from tests.worlds import SmallWorld


def test_what_is_due_happens(engine: Engine, session: Session, monday: datetime, tmp_path: Path) -> None:
    """A tender whose deadline has passed is closed by the worker, once, when the clock strikes; scenarios that are
    asked for then are compared by it, and the minute's advice finds nothing to say.
    """
    world = SmallWorld(session, monday).found().draft().agree().publish().three_offers()
    crew = Crew(engine, tmp_path, (world.now + timedelta(days=15)).isoformat())
    crew.start()
    system = open_system(engine.url)
    flows = client_on(system)
    wait_until(lambda: {row["schedule_name"] for row in flows.list_schedules()} >= {"deadlines", "post", "advice"})
    for _ in range(2):
        handle = flows.trigger_schedule("deadlines")
        handle.get_result()
        session.rollback()
        assert world.tender.status is TenderStatus.CLOSED
    now = world.now + timedelta(days=15)
    with writing(session):
        asked = Asked(budgets_permille=1_100)
        study_id = client.enqueue_scenarios(session, now, world.broking, world.tender.id, asked).id

    def compared() -> bool:
        session.rollback()
        return client.progress_of_study(session, now, world.broking, study_id).finished

    wait_until(compared)
    study = session.get_one(Study, study_id)
    assert study.result is not None
    assert [column["needs"] for column in study.result["columns"]] == [12]
    flows.trigger_schedule("advice").get_result()
    flows.destroy()
    system.dispose()
    crew.end()


def test_programs_end_together(tmp_path: Path) -> None:
    """When one of two programs ends, the other is ended too, and the first one's exit status is the answer."""
    left = tmp_path / "left"
    leave = f"lambda *_: (pathlib.Path({str(left)!r}).touch(), sys.exit())"
    stays = f"import signal, sys, time, pathlib; signal.signal(15, {leave})"
    begun = time.monotonic()
    ends = "import time; time.sleep(1); raise SystemExit(3)"
    assert run_together([[sys.executable, "-c", f"{stays}; time.sleep(60)"], [sys.executable, "-c", ends]]) == 3
    assert time.monotonic() - begun < 30
    assert left.exists()
