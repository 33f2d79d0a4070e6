"""The pages' clock is every front's: read once per request, handed on as `now`."""

from marketplace.front.clock import request_now

__all__ = ["request_now"]
