"""Placeholder while the pages are written."""

from flask import Blueprint

pages = Blueprint("broker", __name__, url_prefix="/broker")
