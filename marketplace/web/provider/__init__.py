"""A provider's pages: `home` (tenders that fit), `profile`, `offers` (make, read, withdraw), `contracts`, `claims`.

`offer_files` and `delivery_files` are the same by spreadsheet, `objecting` a provider's word beside its offer. All
share one blueprint, `pages`.
"""

from . import claims, contracts, delivery_files, home, objecting, offer_files, offers, profile
from .blueprint import pages

__all__ = [
    "claims",
    "contracts",
    "delivery_files",
    "home",
    "objecting",
    "offer_files",
    "offers",
    "pages",
    "profile",
]
