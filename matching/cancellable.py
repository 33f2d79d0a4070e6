"""A solve that can be given up at any moment: in a process of its own, which is then ended.

The solver's library cannot be interrupted from outside. So, where a caller may cancel and the program is large enough
to take long, `levels` has it solved here: a child process reads pickled questions from its standard input, answers with
progress and results, and is ended as soon as the caller cancels. Question and answer travel between two processes of
one program over their own pipe; nothing comes from outside.
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from math import ceil, isfinite
from queue import Empty, Queue
from threading import Thread
from typing import Any

from matching.eligibility import Ints
from matching.mip import BOUND_SLACK, Answer, Effort, Program, Watcher, solve_program

LARGE_COLUMNS = 1_000
"""Smaller programs are solved in place: they end sooner than a process starts."""
POLL_SECONDS = 0.1
LARGEST_LOGGED = 1e9
_START = "from matching.cancellable import serve; serve()"


class SolverProcess:
    """A child process that solves one program after the other, until it is closed or given up."""

    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        self._child = subprocess.Popen(  # noqa: S603 - our own interpreter and our own words
            [sys.executable, "-c", _START], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )
        self._told: Queue[tuple[str, Any]] = Queue()
        self._reader = Thread(target=self._listen, daemon=True)
        self._reader.start()

    def solve(
        self,
        program: Program,
        effort: Effort,
        *,
        cancelled: Callable[[], bool],
        hint: Ints | None = None,
        watch: Watcher | None = None,
    ) -> Answer:
        """Solve a program; give up as soon as `cancelled` says so, keeping the bound reported last."""
        bound: int | None = None
        if self._child.stdin is not None:
            with suppress(BrokenPipeError, ValueError):
                pickle.dump((program, effort, hint), self._child.stdin)
                self._child.stdin.flush()
        while True:
            try:
                kind, found = self._told.get(timeout=POLL_SECONDS)
            except Empty:
                kind, found = ("" if self._child.poll() is None else "ended"), None
            if kind == "answer":
                answer: Answer = found
                return answer
            if kind == "ended" or cancelled():
                self.close()
                return Answer(None, bound, infeasible=False, finished=False)
            if kind == "progress":
                value, proven = found
                # The log writes large figures with fewer digits than a bound needs.
                if isfinite(proven) and abs(proven) < LARGEST_LOGGED:
                    bound = ceil(proven - BOUND_SLACK)
                if watch is not None:
                    watch(value, proven)

    def close(self) -> None:
        """End the child."""
        self._child.kill()
        self._child.wait()
        self._reader.join()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()

    def _listen(self) -> None:
        """Pass on what the child says, until it ends."""
        with suppress(EOFError, pickle.UnpicklingError, ValueError, OSError):
            while self._child.stdout is not None:
                self._told.put(pickle.load(self._child.stdout))  # noqa: S301 - written by our own child process
        self._told.put(("ended", None))


def serve() -> None:
    """Be the child: answer questions until there are no more."""
    # The solver prints now and then; what it prints must not run into the answer.
    with os.fdopen(os.dup(1), "wb") as pipe:
        os.dup2(2, 1)

        def say(kind: str, found: object) -> None:
            pickle.dump((kind, found), pipe)
            pipe.flush()

        with suppress(EOFError):
            while True:
                program, effort, hint = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by our own parent process
                answer = solve_program(
                    program, effort, hint=hint, watch=lambda value, bound: say("progress", (value, bound))
                )
                say("answer", answer)
