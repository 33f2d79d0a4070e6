"""What every answer and every request has in common for safety: headers, host, origin, form tokens, limits.

`init_app` fixes all of it on an application: answers carry a policy that lets a browser run and load only our own
files; a request that changes something must come from our own pages (SameSite cookie, Origin, token) and at a human
pace where passwords are tried; an address carries no NHS number, because browsers, proxies and logs keep addresses.
"""

from typing import Any
from urllib.parse import urlencode

from flask import Flask, abort, flash, redirect, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response

from marketplace.front.headers import STRICT_TRANSPORT
from marketplace.rules.privacy import has_nhs_number

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


def limit_sign_in(app: Flask, *endpoints: str) -> None:
    """Slow down guessing on these pages: from one address, and for one account from anywhere."""
    limiter = Limiter(get_remote_address, app=app)
    app.extensions["carepool.limiter"] = limiter  # its limits hold it weakly
    for endpoint in endpoints:
        view: Any = app.view_functions[endpoint]
        view = limiter.limit(app.config["SIGN_IN_LIMIT"], methods=["POST"])(view)
        view = limiter.limit(app.config["SIGN_IN_ACCOUNT_LIMIT"], key_func=_account_tried, methods=["POST"])(view)
        app.view_functions[endpoint] = view


def _account_tried() -> str:
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
