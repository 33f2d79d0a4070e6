"""The lots of a broker's tender: `lots_of`, who was asked and what came of it; `agreed`, whom publication takes in."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func
from sqlalchemy.orm import Session, joinedload, selectinload

from marketplace.journey.figures import NOT_IN_THE_POOL
from marketplace.journey.pools import valid_consent
from marketplace.journey.scopes import needs_for
from marketplace.records.pools import Bundle, Need, NeedStatus
from marketplace.records.tenders import Tender
from marketplace.rules.permissions import Actor

from .words import pounds, units

Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class LotRow:
    """One lot of a tender as its broker sees it: units and money of all who are in it or asked, and of who said yes."""

    bundle: Bundle
    needs: Counts
    units: int
    budget_pence: int
    agreed_units: int
    agreed_pence: int

    @property
    def asked(self) -> int:
        """How many people were invited."""
        return sum(self.needs.values())


def lots_of(session: Session, actor: Actor, tender: Tender) -> list[LotRow]:
    """The lots of a tender, with who was asked and what came of it."""
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    all_sums: dict[str, Counter[str]] = defaultdict(Counter)
    query = (
        needs_for(actor)
        .where(Bundle.tender_id == tender.id)
        .with_only_columns(Need.bundle_id, Need.status, func.count(), func.sum(Need.units), func.sum(Need.budget_pence))
        .group_by(Need.bundle_id, Need.status)
    )
    for bundle_id, status, count, unit_sum, pence in session.execute(query):
        counts[bundle_id][status.value] = count
        is_in = status not in NOT_IN_THE_POOL
        if is_in or status is NeedStatus.INVITED:
            all_sums[bundle_id].update(units=int(unit_sum), pence=int(pence))
        if is_in:
            all_sums[bundle_id].update(agreed_units=int(unit_sum), agreed_pence=int(pence))
    return [_lot_row(bundle, counts[bundle.id], all_sums[bundle.id]) for bundle in tender.bundles]


def _lot_row(bundle: Bundle, needs: Counts, sums: Counter[str]) -> LotRow:
    return LotRow(bundle, needs, sums["units"], sums["pence"], sums["agreed_units"], sums["agreed_pence"])


def asked_most(lots: Sequence[LotRow]) -> LotRow | None:
    """The lot in which most people have not answered yet."""
    return max(lots, key=lambda lot: lot.needs.get(NeedStatus.INVITED.value, 0), default=None)


def agreed_so_far(lots: Sequence[LotRow]) -> str:
    """What those who said yes bring together, in words: ``10 sessions, £600.00``."""
    counted: Counter[str] = Counter()
    for lot in lots:
        counted[lot.bundle.service.unit] += lot.agreed_units
    told = " and ".join(units(count, unit) for unit, count in counted.items())
    return f"{told}, {pounds(sum(lot.agreed_pence for lot in lots))}"


def agreed(session: Session, actor: Actor, tender: Tender) -> list[Need]:
    """The needs that publication would take in: agreed, to exactly what stands now."""
    query = needs_for(actor).where(Bundle.tender_id == tender.id, Need.status == NeedStatus.AGREED)
    needs = session.scalars(query.options(selectinload(Need.consents), joinedload(Need.bundle)))
    return [need for need in needs if valid_consent(need, tender)]
