"""A broker's pages: `home` (what waits, clients), `tenders` (draft to published), `results` (round to award).

The three share one blueprint, `pages`.
"""

from . import home, results, tenders
from .blueprint import pages

__all__ = ["home", "pages", "results", "tenders"]
