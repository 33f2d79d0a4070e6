"""Invitations to one group: `group_page` is who was asked, what they said, and who could still be asked."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session, joinedload, selectinload

from marketplace.journey.pools import Candidate, could_join, valid_consent
from marketplace.journey.scopes import needs_for, one, tenders_for
from marketplace.records.pools import Bundle, Need, NeedStatus
from marketplace.records.tenders import Tender
from marketplace.rules.errors import NotFound
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.permissions import Actor
from marketplace.rules.pooling import BundleTerms

SAID = {
    NeedStatus.INVITED: ("No answer yet", "yellow"),
    NeedStatus.AGREED: ("Said yes", "green"),
    NeedStatus.DECLINED: ("Said not now", "grey"),
    NeedStatus.LEFT: ("Left the group", "grey"),
}
AFTERWARDS = SAID | {
    NeedStatus.DECLINED: ("Did not join", "grey"),
    NeedStatus.REFUSED: ("Turned the match down", "grey"),
    NeedStatus.DISPLACED: ("Lost the match", "grey"),
    NeedStatus.UNMATCHED: ("No match", "grey"),
    NeedStatus.RELEASED: ("Free again", "grey"),
}
"""Once the tender is published: who was silent until then is not in it either, and was not heard to say no."""


@dataclass(frozen=True, slots=True)
class GroupPage:
    """A group with its invitations, and those who could be invited besides."""

    bundle: Bundle
    tender: Tender
    needs: Sequence[Need]
    others: Sequence[Candidate]

    @property
    def can_invite(self) -> bool:
        """Whether more people can be invited: until the tender is published."""
        return self.tender.status is TenderStatus.DRAFT

    @property
    def patient_ids(self) -> list[str]:
        """All whose names are on the page."""
        return [need.patient_id for need in self.needs] + [candidate.patient_id for candidate in self.others]

    def said(self, need: Need) -> tuple[str, str]:
        """What somebody said, and the colour of it."""
        if need.status is NeedStatus.AGREED and valid_consent(need, self.tender) is None:
            return "Must be asked again", "yellow"
        words = SAID if self.tender.status is TenderStatus.DRAFT else AFTERWARDS
        return words.get(need.status, ("In the group", "green"))


def group_page(session: Session, actor: Actor, bundle_id: str) -> GroupPage:
    """One group of one of the broker's own tenders.

    Raises
    ------
    NotFound
        If there is none, or none of this broker's.
    """
    bundle = session.get(Bundle, bundle_id)
    if bundle is None:
        raise NotFound("not_found", "We cannot find that group.")
    tender = one(session, tenders_for(actor), bundle.tender_id, "group")
    query = needs_for(actor).where(Need.bundle_id == bundle.id)
    needs = session.scalars(query.options(joinedload(Need.patient), selectinload(Need.consents))).all()
    others: list[Candidate] = []
    if tender.status is TenderStatus.DRAFT:
        terms = BundleTerms(
            bundle.service_id, bundle.area, tuple(bundle.districts), bundle.period_from, bundle.period_to
        )
        others = could_join(session, actor, terms)
    return GroupPage(
        bundle,
        tender,
        sorted(needs, key=lambda need: (need.patient.name, need.invited_at)),
        sorted(others, key=lambda candidate: (candidate.patient_name, candidate.plan_line_id)),
    )
