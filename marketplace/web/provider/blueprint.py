"""The blueprint that a provider's pages hang on."""

from flask import Blueprint

pages = Blueprint("provider", __name__, url_prefix="/provider")
