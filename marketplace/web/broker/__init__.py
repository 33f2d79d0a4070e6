"""A broker's pages: `home` (what waits, clients), `tenders` (draft to published), `results` (round to award),
`progress` (a match that is under way).

The four share one blueprint, `pages`.
"""

from . import home, progress, results, tenders
from .blueprint import pages

__all__ = ["home", "pages", "progress", "results", "tenders"]
