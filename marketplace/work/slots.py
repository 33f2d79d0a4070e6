"""A worker's own name: the host's, and the number of a slot that it holds by a lock.

Two processes under one name would each take up, at their start, what the other is in the middle of. The lock is the
operating system's: it is given back whatever ends the process, and the next worker there gets the same name, finds
what was left under it, and goes on with that.
"""

import fcntl
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import IO


@contextmanager
def executor_id(var_dir: Path) -> Iterator[str]:
    """Hold the first free slot of this host for as long as the context is open."""
    folder = var_dir / "workers"
    folder.mkdir(parents=True, exist_ok=True)
    number, file = _first_free(folder)
    with file:
        yield f"{socket.gethostname()[:60]}-{number}"


def _first_free(folder: Path) -> tuple[int, IO[str]]:
    for number in count():
        file = (folder / f"slot-{number}").open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            continue
        return number, file
    raise AssertionError("there is always another number")
