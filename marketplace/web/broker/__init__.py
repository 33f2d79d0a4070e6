"""A broker's pages, from the clients to the award.

`home` (what waits), `clients`, `tenders` (draft to published), `groups` (who could join, invitations), `amending`
(explain, extend, change, answer), `results` (round to award), `progress` (a match that is under way), `scenarios` (what
if), `undoing` (leave out, cancel, begin anew), `fees` (its own), `contact` (how people reach it). They share one
blueprint, `pages`.
"""

from . import amending, clients, contact, fees, groups, home, progress, results, scenarios, tenders, undoing
from .blueprint import pages

__all__ = [
    "amending",
    "clients",
    "contact",
    "fees",
    "groups",
    "home",
    "pages",
    "progress",
    "results",
    "scenarios",
    "tenders",
    "undoing",
]
