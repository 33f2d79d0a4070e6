"""`carepool demo`: draw the Lincolnshire market, walk it through the journey, and say what came of it."""

import random
from datetime import datetime

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from marketplace.demo.accounts import DemoAccount, open_doors
from marketplace.demo.drive import scenes
from marketplace.demo.market import LincolnshireMarket, lincolnshire
from marketplace.demo.report import Checks, print_checks, print_doors, print_story, print_tenders
from marketplace.demo.settle import COMMISSIONER, EMAIL_DOMAIN, Sessions, settle
from marketplace.demo.stage import Scene, Stage
from marketplace.records.base import seeded_ids
from marketplace.records.people import Commissioner, User


class DemoFailed(Exception):
    """The demo ran, and one of its own checks at the end did not hold."""


def is_demo_database(engine: Engine) -> bool:
    """Whether everything in this database (with its tables) was put there by the demo, so that it may be removed."""
    with Session(engine) as session:
        others = select(func.count()).select_from(User).where(User.email.not_like(f"%@{EMAIL_DOMAIN}"))
        foreign = select(func.count()).select_from(Commissioner).where(Commissioner.name != COMMISSIONER)
        return not session.scalar(others) and not session.scalar(foreign)


def run_demo(
    sessions: Sessions, now: datetime, console: Console, *, seed: int, patients: int = 1_300
) -> list[DemoAccount]:
    """Build the market in an empty database, play everything that happened until `now`, and report.

    Raises
    ------
    DemoFailed
        If the books do not balance, or an outcome does not verify.
    """
    market = lincolnshire(seed, patients)
    console.print(_introduction(market), highlight=False)
    with seeded_ids(seed):
        stage = _play(sessions, now, console, market)
        accounts = open_doors(stage, now)
    with sessions() as session:
        print_tenders(console, session, stage)
        print_story(console, session)
        checks = print_checks(console, session)
    print_doors(console, accounts)
    _insist(checks)
    return accounts


def _introduction(market: LincolnshireMarket) -> str:
    lines = sum(len(patient.lines) for patient in market.patients)
    rated = sum(provider.grade > 0 for provider in market.providers)
    return (
        f"Lincolnshire, seed {market.seed}: {len(market.patients):,} made-up people from the disease registers of "
        f"{len(market.districts)} postcode districts with {lines:,} plan lines for {len(market.services)} services; "
        f"{len(market.brokers)} brokers; {len(market.providers)} providers, {rated} of them rated; "
        f"{len(market.tenders)} tenders with {len(market.lots)} bundles; {len(market.offers)} offers."
    )


def _play(sessions: Sessions, now: datetime, console: Console, market: LincolnshireMarket) -> Stage:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        people = progress.add_task("Budgets opened, plans approved", total=len(market.patients))
        town = settle(sessions, now, market, lambda more: progress.advance(people, more))
        stage = Stage(
            sessions=sessions,
            market=market,
            town=town,
            draw=random.Random(f"drive {market.seed}"),
            held_back=_held_back(market),
        )
        planned = scenes(stage, now)
        acts = progress.add_task("Tenders", total=len(planned))
        for scene in planned:
            progress.update(acts, description=_caption(scene))
            scene.act()
            progress.advance(acts)
        progress.update(acts, description="Tenders walked through")
    return stage


def _caption(scene: Scene) -> str:
    return f"{scene.at:%d %b %Y}  {scene.what}"[:72].ljust(72)


def _held_back(market: LincolnshireMarket) -> frozenset[str]:
    """One offer on each open tender is left for the visitor to make."""
    opened = [tender for tender in market.tenders if tender.left_as == "open"]
    return frozenset(offers[0].id for tender in opened if (offers := market.offers_on(tender)))


def _insist(checks: Checks) -> None:
    if checks.faults:
        raise DemoFailed(checks.faults[0])
