"""The `carepool` command: the demo, the pages, time, the checks, proofs, the database.

Here the clock is read, once per command, and handed on as `now`.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import click
from flask import Flask
from rich.console import Console
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from . import SettingsError, create_app, load_settings
from .adapters.logs import hide_numbers_in_logs
from .demo.accounts import hang_up
from .demo.run import is_demo_database, run_demo
from .journey.chain import check_against, signed_head
from .journey.deadlines import run_due
from .journey.rounds import recheck
from .journey.sharing import unsettled
from .records import Base, append_only, audit, ledger, schema
from .records.rounds import Round, RoundStatus
from .rules.clock import Instant
from .rules.errors import Invalid
from .rules.money import format_pounds
from .rules.proof_files import check_file, hex_root, published_hashes, published_roots, read_json
from .web.demo_doors import doors_file
from .work.supervise import run_together

console = Console()
if not console.is_terminal:  # a log is wider than an old terminal
    console = Console(width=120)


def clock() -> Instant:
    """The moment this command began."""
    return datetime.now(UTC)  # noqa: TID251 - the entrance of time for commands


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Carepool: pooled personal health budgets, sealed offers, awards anybody can check."""
    hide_numbers_in_logs()


@main.command()
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same market.")
@click.option("--patients", default=1_230, show_default=True, help="How many people to sample from the registers.")
def demo(seed: int, patients: int) -> None:
    """Build the Lincolnshire market in the database, run it, and show what came out.

    It starts afresh each time: whatever an earlier demo left in the database is removed. A database that holds
    anything else is not touched.
    """
    with _application() as app:
        engine = _engine(app)
        if not schema.is_empty(engine) and not is_demo_database(engine):
            raise click.ClickException(
                "This database holds something other than a demo, so nothing was changed. "
                "Set CAREPOOL_DATABASE_URL to another database, like sqlite:///var/demo.sqlite."
            )
        _start_afresh(engine)
        opened = run_demo(_sessions(app), clock(), console, seed=seed, patients=patients)
        hang_up(opened, doors_file(app.config))


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=5000, show_default=True)
@click.option(
    "--worker/--no-worker",
    default=None,
    help="Run a worker beside the pages: by default on SQLite, where everything is on one machine.",
)
def serve(host: str, port: int, worker: bool | None) -> None:
    """Open the pages in a real web server (gunicorn), on this machine unless told otherwise, and a worker beside it."""
    with _application() as app:
        if schema.is_empty(_engine(app)):
            schema.upgrade(_engine(app))
        with_worker = _engine(app).dialect.name == "sqlite" if worker is None else worker
        _engine(app).dispose()
    console.print(f"Carepool is on http://{host}:{port} (stop it with Ctrl-C)")
    if not with_worker:
        console.print("No worker is started here: `carepool worker` matches, keeps the deadlines, sends the post.")
    arguments = ["--bind", f"{host}:{port}", "--workers", "2", "--threads", "4", "--no-control-socket"]
    pages = [sys.executable, "-m", "gunicorn", *arguments, "--log-level", "warning", "marketplace:create_app()"]
    beside = [[sys.executable, "-m", "marketplace.cli", "worker"]] if with_worker else []
    raise SystemExit(run_together([pages, *beside]))


@main.command()
def worker() -> None:
    """Do the work that pages ask for: match, keep the deadlines, send the post. As many as you like, on any machine.

    It may be stopped at any moment, by kill -9 too: the next one goes on where it was.
    """
    from .work.equipment import Equipment  # noqa: PLC0415 - only a worker needs the engine of durable work
    from .work.worker import run_worker  # noqa: PLC0415

    try:
        tools = Equipment.from_settings(load_settings())
    except (SettingsError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    if schema.is_empty(tools.engine):
        schema.upgrade(tools.engine)
    run_worker(tools, lambda sentence: console.print(sentence, highlight=False))
    sys.stdout.flush()
    os._exit(0)  # threads in the middle of a round are not waited for: their work is taken up again


@main.command()
def deadlines() -> None:
    """Do whatever has fallen due by now: to be run every few minutes (by cron, or a timer)."""
    with _application() as app, _sessions(app)() as session:
        done = run_due(session, clock())
    for act in done:
        console.print(f"{act.what} {act.about_id}{f' FAILED: {act.error}' if act.error else ''}")
    console.print(f"{len(done)} done.")
    if any(act.error for act in done):
        raise SystemExit(1)


@main.command()
def check() -> None:
    """Check the books, the audit chain, and every stored outcome; exit 3 if anything is wrong."""
    with _application() as app, _sessions(app)() as session:
        faults = list(_faults(session))
        accounts = session.scalar(select(func.count()).select_from(ledger.Account))
        rounds = session.scalar(select(func.count()).where(Round.status == RoundStatus.VERIFIED))
        events = session.scalar(select(func.count()).select_from(audit.AuditEvent))
    for fault in faults:
        console.print(f"[red]{fault}[/red]")
    console.print(f"{accounts} accounts, {rounds} outcomes, {events} audit events: {len(faults)} faults.")
    if faults:
        raise SystemExit(3)


@main.group("audit")
def audit_group() -> None:
    """The audit trail."""


@audit_group.command("head")
def audit_head() -> None:
    """Print the end of the chain, signed: keep it elsewhere, and `audit verify --head` shows later if it was cut."""
    with _application() as app, _sessions(app)() as session:
        click.echo(json.dumps(signed_head(session, clock())))


@audit_group.command("verify")
@click.option("--head", type=click.File(), help="A head that was kept: the chain must still lead through it.")
def audit_verify(head: TextIO | None) -> None:
    """Walk the whole chain of hashes; exit 3 at the first event that was edited, removed, forked or cut off."""
    with _application() as app, _sessions(app)() as session:
        fault = check_against(session, _read_head(head)) if head else audit.check_chain(session)
    if fault:
        console.print(f"[red]Event {fault['number']}: {fault['fault']}[/red]")
        raise SystemExit(3)
    console.print("The chain holds.")


@main.group()
def proof() -> None:
    """Files by which a published result is checked: they need no database, no key and no network."""


@proof.command("check")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--root", "roots", multiple=True, help="A root from the tender's notice: give both, one after the other.")
@click.option("--notice", type=click.Path(path_type=Path), help="The file of roots that the notice offers.")
def proof_check(file: Path, roots: tuple[str, ...], notice: Path | None) -> None:
    """Say whether the rows in FILE are in a result, and whether that is the published one.

    FILE is what a patient downloads, or an auditor's ZIP. Exit 2 if it is neither, 3 if it does not hold.
    """
    try:
        published = {hex_root(root) for root in roots}
        hashes = {}
        if notice is not None:
            shown = read_json(notice.read_bytes())
            published |= published_roots(shown)
            hashes = published_hashes(shown)
        findings = check_file(file.read_bytes(), published, hashes)
    except Invalid as error:
        raise _BadInput(error.message) from None
    except OSError as error:
        raise _BadInput(f"{error.filename} cannot be read: {error.strerror}.") from None
    for finding in findings:
        click.echo(f"{'yes' if finding.holds else 'NO '}  {finding.told}")
    if not all(finding.holds for finding in findings):
        click.echo("This does not hold.")
        raise SystemExit(3)
    click.echo(
        "All of this holds." + ("" if published else " Compare the roots with the notice's: --root, or --notice.")
    )


@main.group()
def database() -> None:
    """The tables."""


@database.command("upgrade")
def database_upgrade() -> None:
    """Create the tables, or bring them up to this version."""
    with _application() as app:
        schema.upgrade(_engine(app))
    console.print("The tables are up to date.")


@database.command("revision")
@click.argument("message")
def database_revision(message: str) -> None:
    """Draft a migration from the difference between the code's tables and this database's."""
    with _application() as app:
        schema.draft_revision(_engine(app), message)


class _BadInput(click.ClickException):
    """What was handed in is not what the command reads."""

    exit_code = 2


def _read_head(file: TextIO) -> dict[str, object]:
    try:
        head = json.load(file)
    except ValueError:
        head = None
    if not isinstance(head, dict):
        raise click.ClickException("That file is not what `carepool audit head` prints.")
    return head


def _faults(session: Session) -> Iterator[str]:
    if total := ledger.sum_of_all(session):
        yield f"The accounts add up to {format_pounds(total)}, not to nothing."
    for account_id, balance, entries in ledger.out_of_balance(session):
        yield f"Account {account_id} says {format_pounds(balance)}; its entries say {format_pounds(entries)}."
    for tender_id in unsettled(session):
        yield f"The shared pool of tender {tender_id} holds money that nobody can claim any more."
    for table in append_only.unguarded(session.connection()):
        yield f"The table {table} accepts changes: `carepool database upgrade` makes it refuse them again."
    if fault := audit.check_chain(session):
        yield f"Audit event {fault['number']}: {fault['fault']}."
    for row in session.scalars(select(Round).where(Round.status == RoundStatus.VERIFIED)):
        for finding in recheck(session, row):
            yield f"Round {row.id}: {finding}"


@contextmanager
def _application() -> Iterator[Flask]:
    try:
        app = create_app()
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    with app.app_context():
        yield app


def _engine(app: Flask) -> Engine:
    engine: Engine = app.extensions["sqlalchemy"].engine
    return engine


def _sessions(app: Flask) -> Callable[[], Session]:
    """Makes sessions of their own, with the application's keyring, outside any request."""
    info = app.extensions["sqlalchemy"].session().info
    return lambda: Session(_engine(app), info=dict(info))


def _start_afresh(engine: Engine) -> None:
    Base.metadata.drop_all(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS alembic_version")
    schema.upgrade(engine)


if __name__ == "__main__":
    main()
