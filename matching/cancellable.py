"""A solve that can be given up at any moment: in a process of its own, which is then ended.

The solver's library cannot be interrupted from outside. So, where a caller may cancel and the program is large enough
to take long, `levels` has it solved here: a child process reads the pickled question from its standard input, answers
with progress and the result, and is ended as soon as the caller cancels. Question and answer travel between two
processes of one program over their own pipe; nothing comes from outside.
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from math import isfinite
from queue import Empty, Queue
from threading import Thread
from typing import IO, Any

import numpy as np

from matching.eligibility import Ints
from matching.mip import BOUND_SLACK, Answer, Effort, Program, Watcher, solve_program

LARGE_COLUMNS = 1_000
"""Smaller programs are solved in place: they end sooner than a process starts."""
POLL_SECONDS = 0.1
_START = "from matching.cancellable import serve; serve()"


def solve_cancellable(
    program: Program,
    effort: Effort,
    *,
    cancelled: Callable[[], bool],
    hint: Ints | None = None,
    watch: Watcher | None = None,
) -> Answer:
    """Solve a program; give up as soon as `cancelled` says so, keeping the bound reported last."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    told: Queue[tuple[str, Any]] = Queue()
    bound: int | None = None
    with subprocess.Popen(  # noqa: S603 - our own interpreter and our own words
        [sys.executable, "-c", _START], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as child:
        if child.stdin is None or child.stdout is None:
            return Answer(None, None, infeasible=False, finished=False)
        reader = Thread(target=_listen, args=(child.stdout, told), daemon=True)
        reader.start()
        with suppress(BrokenPipeError):
            pickle.dump((program, effort, hint), child.stdin)
            child.stdin.close()
        try:
            while True:
                try:
                    kind, found = told.get(timeout=POLL_SECONDS)
                except Empty:
                    kind, found = "", None
                if kind == "answer":
                    answer: Answer = found
                    return answer
                if kind == "ended" or cancelled():
                    return Answer(None, bound, infeasible=False, finished=False)
                if kind == "progress":
                    value, proven = found
                    if isfinite(proven) and abs(proven) < 1e9:
                        bound = int(np.ceil(proven - BOUND_SLACK))
                    if watch is not None:
                        watch(value, proven)
        finally:
            child.kill()


def _listen(pipe: IO[bytes], told: "Queue[tuple[str, Any]]") -> None:
    """Pass on what the child says, until it ends."""
    with suppress(EOFError, pickle.UnpicklingError, ValueError, OSError):
        while True:
            told.put(pickle.load(pipe))  # noqa: S301 - written by our own child process
    told.put(("ended", None))


def serve() -> None:
    """Be the child: read one question, answer it."""
    program, effort, hint = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by our own parent process
    # The solver prints now and then; what it prints must not run into the answer.
    with os.fdopen(os.dup(1), "wb") as pipe:
        os.dup2(2, 1)

        def say(kind: str, found: object) -> None:
            pickle.dump((kind, found), pipe)
            pipe.flush()

        answer = solve_program(program, effort, hint=hint, watch=lambda value, bound: say("progress", (value, bound)))
        say("answer", answer)
