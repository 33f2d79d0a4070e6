"""Placeholder while the pages are written."""

from flask import Blueprint

pages = Blueprint("commissioner", __name__, url_prefix="/commissioner")
