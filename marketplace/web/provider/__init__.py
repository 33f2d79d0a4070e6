"""A provider's pages: `home` (tenders that fit), `offers` (make, read, withdraw), `contracts` (sign, record, get paid).

The three share one blueprint, `pages`.
"""

from . import contracts, home, offers
from .blueprint import pages

__all__ = ["contracts", "home", "offers", "pages"]
