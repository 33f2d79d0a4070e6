"""What a shared pool's result comes to, for its broker: how many give and get how much."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from marketplace.journey.awards import matches_of
from marketplace.journey.figures import COUNTED
from marketplace.records.tenders import Tender
from marketplace.rules.money import Pence
from marketplace.rules.sharing import is_shared


@dataclass(frozen=True, slots=True)
class Sharing:
    """Who gives and who gets, in the latest round, without what was declined or displaced."""

    givers: int
    given_pence: Pence
    receivers: int
    received_pence: Pence


def sharing_of(session: Session, tender: Tender) -> Sharing | None:
    """The figures of a tender whose members share their pool; None where nobody pays for anybody else."""
    if not is_shared(tender.policy):
        return None
    matches = [match for match in matches_of(session, tender) if match.status in COUNTED]
    gives = [match.gives_pence for match in matches if match.gives_pence]
    gets = [match.receives_pence for match in matches if match.receives_pence]
    return Sharing(len(gives), sum(gives), len(gets), sum(gets))
