"""What every answer and every request has in common for safety: headers, host, origin, form tokens, limits.

`init_app` fixes all of it on an application: answers carry a policy that lets a browser run and load only our own
files; a request that changes something must come from our own pages (SameSite cookie, Origin, token) and at a human
pace where passwords are tried; an address carries no NHS number, because browsers, proxies and logs keep addresses.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import urlencode

from flask import Flask, abort, flash, redirect, request
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response

from marketplace import SettingsError
from marketplace.front.headers import STRICT_TRANSPORT
from marketplace.journey.tries import note_try
from marketplace.rules.errors import Invalid
from marketplace.rules.guessing import Limit, limits_from
from marketplace.rules.privacy import has_nhs_number

from .access import Access, access_of, half_way_in, own_actor
from .clock import request_now
from .database import db_session, writing

Limits = Sequence[Limit]

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
SECOND_STEP = "second_steps."
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def init_app(app: Flask) -> None:
    """Headers after every answer; checks before every request."""
    proxies = int(app.config["PROXY_COUNT"])
    if proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)  # type: ignore[method-assign]
    app.config["TRUSTED_HOSTS"] = app.config["TRUSTED_HOSTS"] or None
    app.before_request(read_form)
    app.before_request(keep_numbers_out_of_addresses)
    app.before_request(check_origin)
    app.after_request(add_headers)
    CSRFProtect(app)


def limit_guesses(app: Flask, *endpoints: str) -> None:
    """Slow down guessing on these pages: from one address, and for one account from anywhere.

    Raises
    ------
    SettingsError
        If the limits are none.
    """
    limits = []
    for name in ("SIGN_IN_LIMIT", "SIGN_IN_ACCOUNT_LIMIT"):
        try:
            limits.append(limits_from(app.config[name]))
        except Invalid as error:
            raise SettingsError(f"CAREPOOL_{name}: {error.message}") from None
    if app.config["RATELIMIT_ENABLED"]:
        for endpoint in endpoints:
            app.view_functions[endpoint] = _slowed(endpoint, app.view_functions[endpoint], *limits)


def _slowed(endpoint: str, view: Callable[..., Any], by_place: Limits, by_account: Limits) -> Callable[..., Any]:
    access = access_of(view)
    # codes of the second step are asked for on several pages: they are counted together
    what = SECOND_STEP if endpoint.startswith(SECOND_STEP) else endpoint

    @wraps(view)
    def slowed(**arguments: Any) -> Any:
        if request.method == "POST":
            account = _account_meant(access)
            whose = {f"{what} from {_place()}": by_place, f"{what} for {account}": by_account}
            with writing(db_session()) as session:
                note_try(session, request_now(), whose)
        return view(**arguments)

    return slowed


def _place() -> str:
    """Where on the network a request comes from: of the new addresses the half that a household is given as a whole."""
    try:
        address = ip_address(request.remote_addr or "")
    except ValueError:  # a socket has none
        return ""
    return str(address if address.version == 4 else ip_network((address, 64), strict=False))


def _account_meant(access: Access | None) -> str:
    """Whose password or code is tried: of who is signed in or halfway in their own, else of the address typed."""
    if access is not None and access.half_way:
        return half_way_in().user_id
    if access is not None and access.roles:
        return own_actor().user_id
    return request.form.get("email", "").strip().lower()[:254]


def read_form() -> None:
    """Wait for the whole form: whoever is asking, and when, is asked after that (`front.clock`)."""
    if request.routing_exception is None:
        request.form  # noqa: B018 - it is read when it is asked for, and kept


def check_origin() -> None:
    """A request that changes something must come from a page of this site."""
    if request.method in SAFE_METHODS or request.routing_exception is not None:
        return
    origin = request.headers.get("Origin")
    if origin is not None and origin != request.host_url.rstrip("/"):
        abort(403)
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        abort(403)


def keep_numbers_out_of_addresses() -> Response | None:
    """Whoever searches by an NHS number is led to the list without it, and told what to search by.

    This comes before anything else: the way to the sign-in page takes the address along.
    """
    if request.method not in SAFE_METHODS or request.routing_exception is not None:
        return None
    kept = [(name, text) for name, text in request.args.items(multi=True) if not has_nhs_number(f"{name} {text}")]
    if len(kept) == len(list(request.args.items(multi=True))):
        return None
    flash("Search by name. For safety an NHS number cannot be part of a page's address.", "error")
    return redirect(f"{request.path}?{urlencode(kept)}" if kept else request.path)


def add_headers(response: Response) -> Response:
    """The same headers on everything; what is about a person is kept by no cache."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", STRICT_TRANSPORT)
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response
