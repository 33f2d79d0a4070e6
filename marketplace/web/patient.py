"""Placeholder while the pages are written."""

from flask import Blueprint

pages = Blueprint("patient", __name__, url_prefix="/patient")
