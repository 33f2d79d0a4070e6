"""Addresses that one front tells and another answers: the API's notices lead to a page's open data."""

NOTICE_DATA = "/tenders/{tender_id}/ocds.json"
"""One notice as open data; to be filled in with `format`."""
