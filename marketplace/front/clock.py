"""The entrance of time: read once per request, handed on as `now`."""

from datetime import UTC, datetime

from flask import current_app, g

from marketplace.rules.clock import Instant, utc


def request_now() -> Instant:
    """The moment this request was here, the same for all that it does. ``CLOCK`` in the settings may say otherwise.

    A front reads the whole request before anything asks for this: what ends after a deadline comes after it, however
    early its first byte came.
    """
    if "now" not in g:
        clock = current_app.config.get("CLOCK")
        g.now = utc(clock()) if clock else datetime.now(UTC)  # noqa: TID251 - the one place where a front reads the clock
    now: Instant = g.now
    return now
