"""The page that cancels a tender, or single groups of it: for its broker and for the commissioner alike."""

from typing import Any

from sqlalchemy.orm import Session

from marketplace.journey import cancellations
from marketplace.queries import proceedings
from marketplace.records.tenders import Tender
from marketplace.rules.errors import WrongState
from marketplace.schemas.proceedings import CancelSchema

from .access import current_actor
from .asking import Answer, ask
from .clock import request_now
from .database import db_session
from .forms import WebForm, sent


def cancel_page(tender: Tender, back: str) -> Answer:
    """Ask on what grounds, cancel, and go back.

    Raises
    ------
    WrongState
        If the offers are still sealed, or the tender has come to its end.
    """
    if tender.status not in cancellations.AFTER_OPENING:
        raise WrongState("cannot_cancel", "A tender can be cancelled from the opening of its offers to its award.")
    tender_id, lots = tender.id, proceedings.active_lots(tender)
    people, held_pence = proceedings.set_aside(db_session(), tender)

    def step(session: Session, data: dict[str, Any]) -> None:
        cancellations.cancel(
            session,
            request_now(),
            current_actor(),
            tender_id,
            code=data["code"],
            reason=data["reason"],
            bundle_ids=data["bundle_ids"],
        )

    return ask(
        "tender/cancel.html",
        WebForm(CancelSchema(), sent(), choices={"bundle_ids": lots}),
        step,
        back=back,
        done="It is cancelled. The money set aside for it is free again.",
        tender=tender,
        lots=lots,
        people=people,
        held_pence=held_pence,
    )
