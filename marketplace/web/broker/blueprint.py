"""The blueprint that a broker's pages hang on."""

from flask import Blueprint

pages = Blueprint("broker", __name__, url_prefix="/broker")
