"""Placeholder while the pages are written."""

from flask import Blueprint

pages = Blueprint("provider", __name__, url_prefix="/provider")
