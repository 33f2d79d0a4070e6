"""Headers that every front sends alike."""

STRICT_TRANSPORT = "max-age=31536000"
"""Whoever came by TLS once comes by nothing else for a year."""
