"""Puts the API together: `build_api` is the only caller of every `init_app` here.

It is a Flask application of its own, without cookies, templates or static files; the app factory hangs it under
``/api``.
"""

from collections.abc import Mapping

from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask, Response, request
from flask_limiter import Limiter
from flask_smorest import Api
from sqlalchemy import Engine
from werkzeug.exceptions import BadRequest
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import BaseConverter

from marketplace.front.headers import STRICT_TRANSPORT
from marketplace.rules.privacy import has_nhs_number

from . import access, database, describing, problems
from .resources import account, broker, commissioner, patient, payments, provider, public, rounds
from .strict import MOST_BYTES

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
RETRIED = (429, 503)


class IdConverter(BaseConverter):
    """An opaque id as `records.base.new_id` makes them: whatever else stands there is not found."""

    regex = "[0-9a-z]{16}"


class CarepoolApi(Api):  # type: ignore[misc]
    """flask-smorest for reading, answering and describing; errors are told by `problems`."""

    DEFAULT_ERROR_RESPONSE_NAME = None
    ERROR_SCHEMA = problems.ProblemShape

    def _register_error_handlers(self) -> None:
        """Leave them to `problems`: flask-smorest's own would drop the headers that belong to an error."""


def build_api(settings: Mapping[str, object], engine: Engine) -> Flask:
    """The API for these settings (names as in ``config/default.toml``), on an engine that is open already."""
    app = Flask("marketplace.api", static_folder=None, template_folder=None)
    app.config.update(settings)
    app.config.update(
        API_TITLE="Carepool",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        TRUSTED_HOSTS=settings["TRUSTED_HOSTS"] or None,
        MAX_CONTENT_LENGTH=MOST_BYTES,
        RATELIMIT_HEADERS_ENABLED=True,
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.converters["id"] = IdConverter
    app.url_map.strict_slashes = False
    proxies = int(str(app.config["PROXY_COUNT"]))
    if proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)  # type: ignore[method-assign]
    database.init_app(app, engine)
    problems.init_app(app)
    app.before_request(read_body)
    app.after_request(add_headers)  # before the limiter's own: what is first here has the last word
    limits = [str(app.config["API_LIMIT"])]
    app.extensions["carepool.limiter"] = Limiter(access.whose_requests, app=app, default_limits=limits)  # type: ignore[arg-type]
    app.before_request(keep_numbers_out_of_addresses)
    app.before_request(access.check_access)
    schemas = MarshmallowPlugin(schema_name_resolver=describing.name_of)
    api = CarepoolApi(app, spec_kwargs={"marshmallow_plugin": schemas})
    describing.init_api(api)
    for pages in (
        public.pages,
        account.pages,
        patient.pages,
        broker.pages,
        rounds.pages,
        provider.pages,
        commissioner.pages,
        payments.pages,
    ):
        api.register_blueprint(pages)
    describing.init_app(app, api)
    return app


def read_body() -> None:
    """Wait for the whole body, before the limiter looks a token up and with it reads the clock (`front.clock`)."""
    if request.routing_exception is None:
        request.get_data(cache=True)


def keep_numbers_out_of_addresses() -> None:
    """An address with an NHS number in it is refused, and not said again: proxies and logs keep addresses."""
    asked = (f"{name} {text}" for name, text in request.args.items(multi=True))
    if any(map(has_nhs_number, (request.path, *asked))):
        raise BadRequest("For safety an NHS number cannot be part of an address. Search by name.")


def add_headers(response: Response) -> Response:
    """The same headers on everything: nothing is kept by a cache or shown as a page."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if response.status_code not in RETRIED:
        response.headers.pop("Retry-After", None)  # the limiter says it with every answer
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", STRICT_TRANSPORT)
    return response
