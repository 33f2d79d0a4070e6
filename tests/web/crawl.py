"""Every page that links lead to: `reachable` walks them as a visitor with much time would."""

import re
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException

LEFT_OUT = ("static", "account.sign_out")


def reachable(app: Flask, client: FlaskClient, home: str, most: int = 100) -> dict[str, str]:
    """One address of every page that can be reached by links from here, by its endpoint: the first found of each."""
    adapter, waiting = app.url_map.bind("localhost"), [home]
    found: dict[str, str] = {}
    while waiting and len(found) < most:
        path = waiting.pop(0)
        try:
            endpoint, _ = adapter.match(urlsplit(path).path)
        except HTTPException:
            continue
        if endpoint in found or endpoint in LEFT_OUT:
            continue
        answer = client.get(path)
        if answer.status_code != 200:
            continue
        found[endpoint] = path
        if answer.mimetype == "text/html":
            waiting += [link.replace("&amp;", "&") for link in re.findall(r'href="(/[^"#]*)"', answer.text)]
    return found
