"""Settles Hypothesis for the property tests: the same examples on every machine and every run, however slow it is."""

from hypothesis import settings

settings.register_profile("carepool", deadline=None, derandomize=True, database=None)
settings.load_profile("carepool")
