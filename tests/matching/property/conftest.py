"""Lets the property tests import their helpers (`oracle` one folder up, `tiny` in this one) and settles Hypothesis."""

import sys
from pathlib import Path

from hypothesis import settings

HERE = Path(__file__).parent
for folder in (HERE, HERE.parent):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))

# The same examples on every machine and every run; how long one takes is the machine's affair.
settings.register_profile("carepool", deadline=None, derandomize=True, database=None)
settings.load_profile("carepool")
