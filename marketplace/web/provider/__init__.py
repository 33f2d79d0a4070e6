"""A provider's pages: `home` (tenders that fit), `offers` (make, read, withdraw), `contracts` and `claims`.

`offer_files` is offers by spreadsheet, `objecting` a provider's word beside its offer. All share one blueprint,
`pages`.
"""

from . import claims, contracts, home, objecting, offer_files, offers
from .blueprint import pages

__all__ = ["claims", "contracts", "home", "objecting", "offer_files", "offers", "pages"]
