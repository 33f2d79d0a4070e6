"""Who owns each status, what coming to it writes and tells, and what happens if nobody does anything.

`TENDER_DUTIES` and `CONTRACT_DUTIES` are read by pages ("whose turn is it?") and by the README's diagrams; tests hold
them against the code: every event is written, every message sent, every deadline kept by `journey/deadlines.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from .lifecycle import ContractStatus, TenderStatus
from .permissions import Role


@dataclass(frozen=True, slots=True)
class Duty:
    """What a status means for people.

    Attributes
    ----------
    owner
        Whose turn it is; None where the life has ended.
    event
        The audit event written on coming here.
    message
        The message sent on coming here; None where nobody else is concerned yet.
    deadline
        The column that says until when; None where all is over. `proposed` has one for each match, since extra
        support gives more time.
    when_passed
        What time does when the deadline has passed: the name it has in `journey.deadlines`.
    """

    owner: Role | None
    event: str
    message: str | None
    deadline: str | None
    when_passed: str | None


TENDER_DUTIES: Mapping[TenderStatus, Duty] = {
    TenderStatus.DRAFT: Duty(Role.BROKER, "tender.drafted", None, "publish_by", "not_published_in_time"),
    TenderStatus.DELETED: Duty(None, "tender.deleted", "tender_deleted", None, None),
    TenderStatus.OPEN: Duty(Role.PROVIDER, "tender.published", "tender_published", "offers_due_at", "offers_closed"),
    TenderStatus.CLOSED: Duty(Role.BROKER, "tender.closed", "tender_closed", "match_by", "not_matched_in_time"),
    TenderStatus.MATCHING: Duty(Role.SYSTEM, "round.started", None, "match_by", "not_matched_in_time"),
    TenderStatus.PROPOSED: Duty(Role.PATIENT, "tender.proposed", "match_proposed", "answer_by", "answers_by_default"),
    TenderStatus.STANDSTILL: Duty(
        Role.SYSTEM, "award.confirmed", "standstill_began", "standstill_ends_at", "standstill_ended"
    ),
    TenderStatus.UNDER_REVIEW: Duty(
        Role.COMMISSIONER, "representation.made", "representation_made", "review_by", "not_decided_in_time"
    ),
    TenderStatus.AWARDED: Duty(None, "tender.awarded", "contract_offered", None, None),
    TenderStatus.WITHDRAWN: Duty(None, "tender.withdrawn", "tender_withdrawn", None, None),
    TenderStatus.UNSUCCESSFUL: Duty(None, "tender.unsuccessful", "tender_unsuccessful", None, None),
    TenderStatus.CANCELLED: Duty(None, "tender.cancelled", "tender_cancelled", None, None),
}

CONTRACT_DUTIES: Mapping[ContractStatus, Duty] = {
    ContractStatus.OFFERED: Duty(Role.PATIENT, "tender.awarded", "contract_offered", "sign_by", "contract_lapsed"),
    ContractStatus.SIGNED: Duty(Role.PROVIDER, "contract.signed", "contract_signed", "ends_at", "contract_ran_out"),
    ContractStatus.IN_DELIVERY: Duty(
        Role.PROVIDER, "delivery.recorded", "delivery_to_confirm", "ends_at", "contract_ran_out"
    ),
    ContractStatus.COMPLETED: Duty(None, "contract.completed", "contract_completed", None, None),
    ContractStatus.ENDED: Duty(None, "contract.ended", "contract_ended", None, None),
}
