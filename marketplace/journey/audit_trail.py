"""What a commissioner may read of the audit trail: acts about what it oversees, and nothing that is still secret.

An act is found by the thing it is about. Things that nobody may know of yet are no such things: a draft tender, an
offer before an award is proposed (that there is one, when it came, whose it is), who asked a question.
"""

from sqlalchemy import ColumnElement, Select, exists, or_, select

from marketplace.records.audit import AuditEvent
from marketplace.records.auditors import Auditor
from marketplace.records.budgets import Budget, Holder
from marketplace.records.catalogue import Exclusion, Service
from marketplace.records.contracts import Contract, Delivery
from marketplace.records.offers import Offer
from marketplace.records.payments import PaymentRun
from marketplace.records.people import Authority, Broker, Patient, User
from marketplace.records.pools import Bundle, Need
from marketplace.records.providers import Provider
from marketplace.records.rounds import Round
from marketplace.records.tenders import Representation, Tender
from marketplace.rules.permissions import Actor, Role, check_role

from .scopes import BEFORE_PROPOSAL

OF_PROVIDERS = (
    "provider.approved",
    "provider.suspended",
    "provider.reinstated",
    "provider.site_added",
    "provider.site_stated",
    "provider.rating_changed",
    "provider.site_moved",
    "provider.site_closed",
    "provider.site_reopened",
)
OF_ACCOUNTS = (
    "account.opened",
    "account.code_renewed",
    "account.password_chosen",
    "account.closed",
    "account.reopened",
    "account.second_step_on",
    "account.second_step_off",
    "account.second_step_taken_away",
)
"""Who has an account, and whether with a second step, is the commissioner's to know; when people sign in is not.

So neither wrong codes nor recovery codes that were used are among these: each was a sign-in, or the try at one.
"""


def events_for(actor: Actor) -> Select[AuditEvent]:
    """The acts about this commissioner's own people, money, brokers, and their published tenders.

    Raises
    ------
    NotAllowed
        If somebody else asks.
    """
    check_role(actor, Role.COMMISSIONER)
    own, about = actor.party_id, AuditEvent.about_id
    ours = Tender.published_at.is_not(None) & Tender.broker.has(Broker.commissioner_id == own)
    told = ours & Tender.proposed_at.is_not(None) & Tender.status.not_in(BEFORE_PROPOSAL)
    seen: list[ColumnElement[bool]] = [
        about == own,
        exists().where(Patient.id == about, Patient.commissioner_id == own),
        exists().where(Budget.id == about, Budget.commissioner_id == own),
        exists().where(Broker.id == about, Broker.commissioner_id == own),
        exists().where(Holder.id == about, Holder.commissioner_id == own),
        exists().where(Service.id == about),
        exists().where(Exclusion.id == about),
        exists().where(Provider.id == about) & AuditEvent.event.in_(OF_PROVIDERS),
        exists().where(User.id == about, User.commissioner_id == own) & AuditEvent.event.in_(OF_ACCOUNTS),
        exists().where(PaymentRun.id == about, PaymentRun.payer_id == own),
        exists().where(Authority.id == about, Authority.patient.has(Patient.commissioner_id == own)),
        exists().where(Need.id == about, Need.patient.has(Patient.commissioner_id == own)),
        exists().where(Contract.id == about, Contract.budget.has(Budget.commissioner_id == own)),
        exists().where(Delivery.id == about, Delivery.contract.has(Contract.budget.has(Budget.commissioner_id == own))),
        exists().where(Tender.id == about, ours),
        exists().where(Bundle.id == about, Bundle.tender.has(ours)),
        exists().where(Round.id == about, Round.tender.has(ours)),
        exists().where(Representation.id == about, Representation.tender.has(ours)),
        exists().where(Offer.id == about, Offer.tender.has(told)),
        exists().where(Auditor.id == about, Auditor.tender.has(ours)),
    ]
    return select(AuditEvent).where(or_(*seen))
