"""`carepool worker` and `carepool serve` as somebody types them."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from tests.faults.workers import ROOT


def start(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "CAREPOOL_VAR_DIR": str(folder), "COLUMNS": "200"}
    environment.pop("CAREPOOL_DATABASE_URL", None)
    command = [sys.executable, "-m", "marketplace.cli", *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def stop(process: "subprocess.Popen[str]") -> float:
    """Ask it to stop; returns how many seconds that took. It ends well."""
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert process.stdout is not None
    process.stdout.close()
    return time.monotonic() - begun


def test_worker(tmp_path: Path) -> None:
    """It makes the tables that are missing, says who it is and that no mail server is named, and stops when asked."""
    process = start(tmp_path, "worker")
    assert process.stdout is not None
    said = [process.stdout.readline(), process.stdout.readline()]
    assert "is at work" in said[0]
    assert "0 messages stay in the outbox" in said[1]
    assert stop(process) < 10
    assert {path.name for path in tmp_path.glob("*.sqlite")} == {"carepool.sqlite", "carepool-work.sqlite"}


def test_serve_has_a_worker_beside_it(tmp_path: Path) -> None:
    """On SQLite the pages come with a worker, and both end together."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = start(tmp_path, "serve", "--port", str(port))
    assert process.stdout is not None
    said = ""
    while "is at work" not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
        assert answer.status == 200
    stop(process)
