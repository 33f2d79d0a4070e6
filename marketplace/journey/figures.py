"""What a tender came to, in figures, from stored data only: pages, the demo's table and open data ask here."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.records.catalogue import Service
from marketplace.records.pools import Bundle, Need, NeedStatus
from marketplace.records.rounds import MatchStatus
from marketplace.records.tenders import Tender
from marketplace.rules.awarding import Saving, saving

from .awards import matches_of

COUNTED = (MatchStatus.PROPOSED, MatchStatus.ACCEPTED)
NOT_IN_THE_POOL = (NeedStatus.INVITED, NeedStatus.DECLINED, NeedStatus.LEFT)


@dataclass(frozen=True, slots=True)
class TenderFigures:
    """How many needs a tender pooled and matched, and what that saves."""

    needs: int
    matched: int
    units: int
    saving: Saving


def tender_figures(session: Session, tender: Tender) -> TenderFigures:
    """The figures of a tender's latest round, without what was declined or displaced."""
    needs = session.scalar(
        select(func.count())
        .select_from(Need)
        .join(Need.bundle)
        .where(Bundle.tender_id == tender.id, Need.status.not_in(NOT_IN_THE_POOL))
    )
    services = {service.id: service for service in session.scalars(select(Service))}
    matches = [match for match in matches_of(session, tender) if match.status in COUNTED]
    rows = []
    for match in matches:
        service = services[match.need.bundle.service_id]
        rows.append((match.charge_pence, match.need.units, service.conventional_pence, service.private_pence))
    return TenderFigures(needs=needs or 0, matched=len(matches), units=sum(row[1] for row in rows), saving=saving(rows))
