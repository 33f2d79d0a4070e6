"""The command line: `python -m matching COMMAND`; progress to stderr, documents to a file or stdout.

Exit codes: 0 done, 2 bad input (the message names the place), 3 an outcome did not pass `verify`.
"""

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Event
from time import perf_counter
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

import matching
from matching import Market, MatchingError, Outcome
from matching.convert import KINDS, convert
from matching.generate import generate_market
from matching.tables import (
    page,
    print_comparisons,
    print_explanation,
    print_findings,
    print_outcome,
    print_rematch,
)

DONE, BAD_INPUT, NOT_VERIFIED = 0, 2, 3
DESCRIPTION = """\
Match needs to sealed offers: most needs first, then least effective cost, each with a proven bound.

  python -m matching generate --needs-per-bundle 200 --seed 1 -o market.json
  python -m matching solve market.json -o outcome.json
  python -m matching verify market.json outcome.json
  python -m matching explain market.json outcome.json n1
  python -m matching scenario market.json outcome.json
  python -m matching rematch market.json outcome.json --refused n1 -o rematch.json
"""
EPILOG = """\
MARKET.json is a market/1 document, OUTCOME.json an outcome/1 document; both are described in README.md beside this
program. "-" reads a document from standard input. Exit codes: 0 done, 2 bad input (the message names the place),
3 an outcome did not pass verification.
"""

Document = TypeVar("Document")
Command = Callable[[argparse.Namespace, Console], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; give its exit code."""
    parsed = _parser().parse_args(arguments)
    console = page(stderr=True)
    command: Command = parsed.command
    try:
        return command(parsed, console)
    except MatchingError as error:
        print(f"{error}", file=sys.stderr)
        return BAD_INPUT
    except BrokenPipeError:
        return DONE


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("python -m matching", description=DESCRIPTION, epilog=EPILOG, formatter_class=raw)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    solve = _command(
        commands, "solve", _solve, "solve a market and verify the outcome; Ctrl-C stops at the best outcome found"
    )
    solve.add_argument("market", metavar="MARKET.json")
    _add_limits(solve)
    _add_output(solve)
    verify = _command(commands, "verify", _verify, "re-check an outcome against its market, sharing no code with solve")
    verify.add_argument("market", metavar="MARKET.json")
    verify.add_argument("outcome", metavar="OUTCOME.json")
    explaining = _command(commands, "explain", _explain, "say why a need has its offer, or what an offer was missing")
    explaining.add_argument("market", metavar="MARKET.json")
    explaining.add_argument("outcome", metavar="OUTCOME.json")
    explaining.add_argument("name", metavar="NEED|OFFER")
    text = "re-solve with rules left out, weights moved, somebody absent, budgets scaled; show what differs"
    comparing = _command(commands, "scenario", _scenario, text)
    comparing.add_argument("market", metavar="MARKET.json")
    comparing.add_argument("outcome", metavar="OUTCOME.json")
    text = "scenario/1 documents; none: the price of every side rule"
    comparing.add_argument("scenarios", metavar="SCENARIO.json", nargs="*", help=text)
    _add_limits(comparing)
    placing = _command(commands, "rematch", _rematch, "place what refusals freed; keep everybody else")
    placing.add_argument("market", metavar="MARKET.json")
    placing.add_argument("outcome", metavar="OUTCOME.json")
    placing.add_argument("--refused", nargs="+", default=[], metavar="NEED", help="declined the provider proposed")
    placing.add_argument("--left", nargs="+", default=[], metavar="NEED", help="withdrawn altogether")
    placing.add_argument("--waived", nargs="+", default=[], metavar="OFFER", help="whose provider waives a shortfall")
    placing.add_argument("--market-output", metavar="FILE", help="write the revised market here, for verify")
    _add_limits(placing)
    _add_output(placing)
    generate = _command(commands, "generate", _generate, "make up a market; the same seed gives the same market")
    for name, default, text in (
        ("bundles", 1, "lots of the tender"),
        ("needs-per-bundle", 500, "needs in each lot"),
        ("offers-per-bundle", 10, "offers made for each lot"),
        ("tiers", 3, "volume bands of every offer"),
        ("seed", 0, "decides everything that is drawn"),
    ):
        generate.add_argument(f"--{name}", type=int, default=default, metavar="N", help=f"{text} (default {default})")
    generate.add_argument("--pooling", choices=["own_budget", "shared_pool"], default="own_budget")
    _add_output(generate)
    converting = _command(commands, "convert", _convert, "turn a published benchmark instance into a market")
    converting.add_argument("kind", choices=sorted(KINDS))
    converting.add_argument("file", metavar="FILE")
    _add_output(converting)
    return parser


def _command(commands: Any, name: str, command: Command, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(command=command)
    return parser


def _add_limits(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--gap", type=float, default=0.0, metavar="PERMILLE", help="cost gap to stop at (default 0)")
    text = "coverage gap to stop at (default 0)"
    parser.add_argument("--coverage-gap", type=float, default=0.0, metavar="PERMILLE", help=text)
    parser.add_argument("--time-limit", type=float, metavar="S", help="seconds after which the best found is returned")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="parts solved at a time (default 1)")
    most = matching.DEFAULT_MAX_PAIRS
    parser.add_argument("--max-pairs", type=int, default=most, metavar="N", help=f"refuse more pairs (default {most})")


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", metavar="FILE", help="write the document here instead of standard output")


def _source(name: str) -> Path | bytes:
    return sys.stdin.buffer.read() if name == "-" else Path(name)


def _market(name: str) -> Market:
    return _named(name, lambda: matching.read_market(_source(name)))


def _outcome(name: str) -> Outcome:
    return _named(name, lambda: matching.read_outcome(_source(name)))


def _named(name: str, read: Callable[[], Document]) -> Document:
    try:
        return read()
    except matching.DocumentError as error:
        place = f"{name}: {error.place}" if error.place else name
        raise matching.DocumentError(error.code, place, error.message, error.facts) from error


def _write(document: dict[str, Any], output: str | None) -> None:
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    if output is None:
        sys.stdout.write(text)
        return
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        message = f"cannot write: {error.strerror or error}"
        raise MatchingError("unwritable_file", f"{output}: {message}") from error


def _solve(parsed: argparse.Namespace, console: Console) -> int:
    started = perf_counter()
    market = _market(parsed.market)
    seconds = {"read": perf_counter() - started}
    with _Bar(console) as bar, _quiet(), _interruptible() as interrupted:
        outcome = matching.solve(market, on_progress=bar.show, cancelled=interrupted, **_limits(parsed))
    seconds |= outcome.seconds
    started = perf_counter()
    findings = matching.verify(market, outcome)
    seconds["verify"] = perf_counter() - started
    document = outcome.document()
    document["seconds"] = {name: round(value, 3) for name, value in seconds.items()}
    _write(document, parsed.output)
    print_outcome(console, market, outcome)
    return _verdict(console, findings)


def _verify(parsed: argparse.Namespace, console: Console) -> int:
    return _verdict(console, matching.verify(_market(parsed.market), _outcome(parsed.outcome)))


def _verdict(console: Console, findings: Sequence[matching.Finding]) -> int:
    print_findings(console, findings)
    return NOT_VERIFIED if findings else DONE


def _explain(parsed: argparse.Namespace, _: Console) -> int:
    market, outcome = _market(parsed.market), _outcome(parsed.outcome)
    with _quiet():
        found = matching.explain(market, outcome, parsed.name)
    print_explanation(page(), found)
    return DONE


def _scenario(parsed: argparse.Namespace, console: Console) -> int:
    market, outcome = _market(parsed.market), _outcome(parsed.outcome)
    scenarios = [_named(name, partial(matching.read_scenario, _source(name))) for name in parsed.scenarios]
    with _Bar(console) as bar, _quiet():
        options = {**_limits(parsed), "on_progress": bar.show}
        if scenarios:
            found = [matching.compare(market, outcome, scenario, **options) for scenario in scenarios]
        else:
            found = matching.price_of_rules(market, outcome, **options)
    print_comparisons(page(), found)
    return _verdict(console, [finding for one in found for finding in matching.verify(one.market, one.after)])


def _rematch(parsed: argparse.Namespace, console: Console) -> int:
    market, outcome = _market(parsed.market), _outcome(parsed.outcome)
    with _Bar(console) as bar, _quiet():
        found = matching.rematch(
            market, outcome, refused=parsed.refused, left=parsed.left, waived=parsed.waived,
            on_progress=bar.show, **_limits(parsed),
        )  # fmt: skip
    _write(found.outcome.document(), parsed.output)
    if parsed.market_output is not None:
        _write(found.market.document(), parsed.market_output)
    print_rematch(console, found)
    return _verdict(console, matching.verify(found.market, found.outcome))


def _limits(parsed: argparse.Namespace) -> dict[str, Any]:
    return {
        "time_limit_s": parsed.time_limit,
        "gap_permille": parsed.gap,
        "coverage_gap_permille": parsed.coverage_gap,
        "workers": parsed.workers,
        "max_pairs": parsed.max_pairs,
    }


def _generate(parsed: argparse.Namespace, console: Console) -> int:
    try:
        market = generate_market(
            bundles=parsed.bundles,
            needs_per_bundle=parsed.needs_per_bundle,
            offers_per_bundle=parsed.offers_per_bundle,
            tiers=parsed.tiers,
            seed=parsed.seed,
            pooling=parsed.pooling,
        )
    except ValueError as error:
        raise MatchingError("bad_option", str(error)) from error
    _write(market.document(), parsed.output)
    console.print(f"{len(market.needs)} needs, {len(market.offers)} offers, sha256 {market.sha256}")
    return DONE


def _convert(parsed: argparse.Namespace, console: Console) -> int:
    converted = convert(parsed.kind, parsed.file)
    _write(converted.market.document(), parsed.output)
    market = converted.market
    console.print(f"{len(market.needs)} needs, {len(market.offers)} offers; amounts are x {converted.scale}")
    return DONE


@contextmanager
def _quiet() -> Iterator[None]:
    """Send what the solver's library prints to stderr, so that standard output is the document alone."""
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        os.dup2(2, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C end the search with the best outcome found, instead of with nothing."""
    struck = Event()
    before = signal.signal(signal.SIGINT, lambda *_: struck.set())
    try:
        yield struck.is_set
    finally:
        signal.signal(signal.SIGINT, before)


class _Bar:
    """A live line on stderr: part, level, best value, bound, seconds."""

    def __init__(self, console: Console) -> None:
        text = TextColumn("{task.description}")
        self._bar = Progress(SpinnerColumn(), text, BarColumn(20), TimeElapsedColumn(), console=console, transient=True)
        self._task = self._bar.add_task("reading", total=None)

    def __enter__(self) -> "_Bar":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, event: matching.Progress) -> None:
        """Show one event."""
        bound = "?" if event.bound is None else str(event.bound)
        text = f"{event.part}: {event.level.replace('_', ' ')} {event.value}, bound {bound}"
        self._bar.update(self._task, description=text)


if __name__ == "__main__":
    sys.exit(main())
