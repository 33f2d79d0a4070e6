"""A broker's pages: `home` (what waits, clients), `tenders` (draft to published), `amending` (explain, extend, change,
answer), `results` (round to award), `progress` (a match that is under way), `undoing` (leave out, cancel, begin anew).

They share one blueprint, `pages`.
"""

from . import amending, home, progress, results, tenders, undoing
from .blueprint import pages

__all__ = ["amending", "home", "pages", "progress", "results", "tenders", "undoing"]
