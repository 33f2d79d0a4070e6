"""Answers are sent compressed where nothing secret stands in them: style files; public pages, to who is not signed in.

A page with somebody's own figures and form tokens is sent as it is: beside text that an attacker chooses, the length of
a compressed page gives its secrets away, letter by letter (BREACH; Gluck, Harris and Prado, 2013).
"""

from flask import Flask, Response, request, session
from flask_compress import Compress


def init_app(app: Flask) -> None:
    """Compress what may be compressed, by Flask-Compress, with whatever the browser takes."""
    app.config.update(COMPRESS_REGISTER=False, COMPRESS_MIN_SIZE=1_000, COMPRESS_ALGORITHM=["br", "gzip"])
    compress = Compress(app)

    def after(response: Response) -> Response:
        if request.endpoint == "static" or (request.blueprint == "public" and "sign_in" not in session):
            return _compressed(compress, response)
        return response

    app.after_request(after)


def _compressed(compress: Compress, response: Response) -> Response:
    """The answer compressed; the file it was read from is closed, which Flask-Compress leaves open."""
    body = response.response
    compressed: Response = compress.after_request(response)
    if compressed.response is not body and (close := getattr(body, "close", None)) is not None:
        close()
    return compressed
