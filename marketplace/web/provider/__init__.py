"""A provider's pages: `home` (tenders that fit), `offers` (make, read, withdraw), `contracts` and `claims`.

The four share one blueprint, `pages`.
"""

from . import claims, contracts, home, objecting, offers
from .blueprint import pages

__all__ = ["claims", "contracts", "home", "objecting", "offers", "pages"]
