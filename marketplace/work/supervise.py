"""Several programs as one: they begin together, and when one of them ends, or we are told to stop, so do the others."""

import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from time import sleep

POLL_S = 0.2
PATIENCE_S = 10.0


def run_together(commands: Sequence[Sequence[str]]) -> int:
    """Run these commands until the first of them ends; returns its exit status, 0 when we were told to stop."""
    told: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda got, _frame: told.append(got))
    running = [subprocess.Popen(command) for command in commands]  # noqa: S603 - our own programs, no shell
    try:
        while not told:
            for process in running:
                if (status := process.poll()) is not None:
                    return status
            sleep(POLL_S)
        return 0
    finally:
        _end(running)


def _end(running: Sequence["subprocess.Popen[bytes]"]) -> None:
    for process in running:
        if process.poll() is None:
            process.terminate()
    for process in running:
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE_S)
        if process.poll() is None:
            process.kill()
            process.wait()
