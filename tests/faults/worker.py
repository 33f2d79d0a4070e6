"""A worker as a process of its own, at a fixed time of day: ``python -m tests.faults.worker URL FOLDER MOMENT``.

It is the product's worker; only the clock of its steps is the test's, as in all tests.
"""

import os
import sys
from datetime import datetime
from pathlib import Path

import click
from sqlalchemy import create_engine

from marketplace.adapters.sealing import Keyring
from marketplace.records.database import configure_engine
from marketplace.work.equipment import Equipment
from marketplace.work.worker import run_worker

LOST_AFTER_S = 4.0


def main(url: str, folder: str, moment: str) -> None:
    now = datetime.fromisoformat(moment)
    tools = Equipment(
        engine=configure_engine(create_engine(url, hide_parameters=True, pool_pre_ping=True)),
        keyring=Keyring.from_hex("11" * 32, "22" * 32),
        clock=lambda: now,
        mail=None,
        var_dir=Path(folder),
        lost_after_s=LOST_AFTER_S,
    )
    run_worker(tools, click.echo)
    os._exit(0)  # as `carepool worker` ends: threads in the middle of a round are not waited for


if __name__ == "__main__":
    main(*sys.argv[1:])
