"""Carepool: a brokerage marketplace for personal health budgets.

`load_settings` reads what the installation is told (files, environment, keys); `create_app` makes the Flask
application of it: database, then pages, then the API beside them. The web framework is imported when an application
is made and not before, so that a rule, a record or a worker can be imported without it.

Settings, the later over the earlier: ``default.toml``, ``<environment>.toml`` (``CAREPOOL_ENV``, else
``development``), the environment variables ``CAREPOOL_<NAME>``, and what a caller (a test, the demo) passes in. The
folder of the TOML files is ``CAREPOOL_CONFIG_DIR``, else ``config/`` beside this package (a clone), else
``share/carepool/config`` of the Python installation (where the wheel puts the same files).
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

__all__ = ["SettingsError", "create_app", "load_settings"]

SECRETS = ("SECRET_KEY", "FIELD_KEY", "SEALING_KEY")
"""Read from the environment only: sessions, encrypted columns, sealed offers."""

_KEY_BYTES = 32


class SettingsError(Exception):
    """The installation is told something wrong, or not told something it needs. The message says what to do."""


def load_settings(environ: Mapping[str, str] | None = None) -> dict[str, object]:
    """Everything the installation is told, ready for ``app.config``.

    Raises
    ------
    SettingsError
        If the files are missing, a variable has the wrong type, or production lacks a secret or opens
        what is for made-up people.
    """
    environ = os.environ if environ is None else environ
    environment = environ.get("CAREPOOL_ENV", "development")
    folder = _config_folder(environ)
    settings = _read(folder / "default.toml")
    settings.update(_read(folder / f"{environment}.toml"))
    for name, default in list(settings.items()):
        if f"CAREPOOL_{name}" in environ:
            settings[name] = _typed(name, environ[f"CAREPOOL_{name}"], default)
    settings["ENVIRONMENT"] = environment
    var_dir = Path(str(settings["VAR_DIR"])).absolute()
    for name in SECRETS:
        settings[name] = environ.get(f"CAREPOOL_{name}") or _kept_key(
            name, var_dir, allowed=bool(settings["MAKE_KEYS"])
        )
    settings["DATABASE_URL"] = environ.get("CAREPOOL_DATABASE_URL") or _default_database(var_dir, settings)
    if environment == "production" and settings["DEMO_ACCOUNTS"]:
        raise SettingsError("DEMO_ACCOUNTS shows anybody accounts to sign in with: it is for made-up people only.")
    if environment == "production" and settings["OPEN_BUNDLES"]:
        raise SettingsError("OPEN_BUNDLES gives anybody the places where people live: it is for made-up people only.")
    if environment == "production" and not settings["TRUSTED_HOSTS"]:
        raise SettingsError("Set CAREPOOL_TRUSTED_HOSTS to the site's names, like '[\"carepool.example\"]'.")
    return settings


def create_app(config: Mapping[str, object] | None = None) -> Flask:
    """The application: settings, database, pages; and, under ``/api``, the API, which shares nothing else with them.

    Parameters
    ----------
    config
        Settings laid over all others, by the names of ``config/default.toml``. A test passes ``DATABASE_URL``, and
        ``CLOCK``, a function that returns the moment to be taken for now.
    """
    from werkzeug.middleware.dispatcher import DispatcherMiddleware  # noqa: PLC0415 - see the module's docstring

    from marketplace.api.app import build_api  # noqa: PLC0415
    from marketplace.api.describing import document_of  # noqa: PLC0415
    from marketplace.web.app import build_app  # noqa: PLC0415

    given = dict(config or {})
    environ = {**os.environ, **{f"CAREPOOL_{name}": str(given[name]) for name in ("VAR_DIR",) if name in given}}
    environ.update({f"CAREPOOL_{name}": str(given[name]) for name in (*SECRETS, "DATABASE_URL") if name in given})
    settings = {**load_settings(environ), **given}
    app = build_app(settings)
    with app.app_context():
        api = build_api(settings, app.extensions["sqlalchemy"].engine)
    app.extensions["carepool.api"] = api
    app.extensions["carepool.api_document"] = document_of(api)
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/api": api.wsgi_app})  # type: ignore[method-assign]
    return app


def _config_folder(environ: Mapping[str, str]) -> Path:
    told = environ.get("CAREPOOL_CONFIG_DIR")
    beside = Path(__file__).resolve().parent.parent / "config"
    installed = Path(sys.prefix) / "share" / "carepool" / "config"
    for folder in [Path(told)] if told else [beside, installed]:
        if (folder / "default.toml").is_file():
            return folder
    looked = told or f"{beside} or {installed}"
    raise SettingsError(f"There is no default.toml in {looked}. Set CAREPOOL_CONFIG_DIR to the folder that has it.")


def _read(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        raise SettingsError(f"There is no {path}. CAREPOOL_ENV names one of the files beside default.toml.") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: {error}") from None


def _typed(name: str, text: str, default: object) -> object:
    """A variable's text as the type its default has, so that '0' cannot become a name nor 'yes' a number."""
    if isinstance(default, str):
        return text
    try:
        value = json.loads(text.lower() if isinstance(default, bool) else text)
    except json.JSONDecodeError:
        value = None
    if type(value) is not type(default):
        raise SettingsError(f"CAREPOOL_{name} is {text!r}; it must look like {json.dumps(default)}.")
    return value


def _kept_key(name: str, var_dir: Path, *, allowed: bool) -> str:
    """A key made up once for this machine and kept where git does not look (development and demo only)."""
    if not allowed:
        raise SettingsError(
            f"Set CAREPOOL_{name} to a secret of its own, like the output of: openssl rand -hex {_KEY_BYTES}. "
            "Keep it: what was written with one key cannot be read with another."
        )
    path = var_dir / "keys" / name.lower()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        whole = path.with_name(f"{path.name}.{os.getpid()}")
        whole.touch(mode=0o600)
        whole.write_text(secrets.token_hex(_KEY_BYTES))
        # a link appears whole or not at all: of two processes starting together, both read the first one's key
        with suppress(FileExistsError):
            os.link(whole, path)
        whole.unlink()
    return path.read_text().strip()


def _default_database(var_dir: Path, settings: Mapping[str, object]) -> str:
    if not settings["MAKE_KEYS"]:
        raise SettingsError("Set CAREPOOL_DATABASE_URL, like postgresql+psycopg://carepool@/carepool.")
    var_dir.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{var_dir / 'carepool.sqlite'}"
