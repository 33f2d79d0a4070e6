"""What the program of a patient, or of whoever acts for one, reads: what waits, invitations, matches, contracts."""

from marshmallow import fields

from marketplace.journey.views import View
from marketplace.queries.care import Waiting
from marketplace.queries.people import AuthorityRow
from marketplace.records.pools import NeedStatus
from marketplace.records.rounds import MatchStatus
from marketplace.rules.lifecycle import ContractStatus, TenderStatus
from marketplace.rules.permissions import Role
from marketplace.rules.preferences import Preferences

from .common import Shape, calendar_day, instant, integer, nested, one_of, pence, string, yes_or_no
from .derived import shape_of
from .provider import DeliveryShape

WaitingShape = shape_of(Waiting)
ViewShape = shape_of(View)


class MeShape(Shape):
    """Whose token it is, and what it may do."""

    role = string("What the account is")
    name = string("The account's name")
    party_id = string("The patient or organisation it acts for")
    may_write = yes_or_no("Whether the token may change anything")
    token_ends_at = instant("When the token ends")
    acts_for = nested(shape_of(AuthorityRow), "For whom a representative may act today", many=True)


class CareLineShape(Shape):
    """One part of a care plan, and the latest that has become of it."""

    line_id = string("The part's id", attribute="line.id")
    service = string("The service", attribute="line.service.name")
    goal = string("What it is to achieve", attribute="line.outcome")
    units = integer("How many units", attribute="line.units")
    budget_pence = pence("At most so much in all", attribute="line.budget_pence")
    words = string("Where it stands, in a sentence")
    invitation_id = string("The latest invitation", none=True)
    match_id = string("The latest match", none=True)
    contract_id = string("The contract", none=True)


class InvitationShape(Shape):
    """An invitation to a group: what is pooled, and what you said."""

    id = string("The invitation's id")
    status = one_of(NeedStatus, "Where it stands")
    tender_status = one_of(TenderStatus, "Where the group's tender stands", attribute="bundle.tender.status")
    service = string("The service", attribute="bundle.service.name")
    area = string("The area", attribute="bundle.area")
    broker = string("Your broker", attribute="bundle.tender.broker.name")
    period_from = calendar_day("The first day of care", attribute="bundle.period_from")
    period_to = calendar_day("The last day of care", attribute="bundle.period_to")
    units = integer("How many units you need")
    budget_pence = pence("Your share: at most so much, from your own budget")
    shares_pool = yes_or_no("Whether people in this group help to pay for each other: that needs a yes of its own")
    policy = fields.Dict(attribute="bundle.tender.policy", metadata={"description": "How a provider is chosen"})
    terms_sha256 = string("The hash of the group's terms: agreeing names it", attribute="bundle.terms_sha256")
    policy_sha256 = string("The hash of the policy: agreeing names it", attribute="bundle.tender.policy_sha256")
    preferences = nested(shape_of(Preferences), "What counts for you")


class AlternativeShape(Shape):
    """Another offer, and the one thing that decided against it."""

    provider = string("The provider")
    place = string("Where")
    why = string("What decided")
    in_reach = yes_or_no("Whether it was near enough")


class MatchShape(Shape):
    """A match: who, where, for how much, and why."""

    id = string("The match's id", attribute="match.id")
    status = one_of(MatchStatus, "What you said", attribute="match.status")
    can_answer = yes_or_no("Whether you can still say yes or no")
    made_again = yes_or_no("Whether it counts no longer, and the match is made again")
    answer_by = instant("Until when", attribute="match.answer_by")
    silence_means_yes = yes_or_no("What it means if you say nothing, as you chose")
    service = string("The service", attribute="service.name")
    provider = string("The provider", attribute="provider.name")
    site = string("The place", attribute="site.name")
    district = string("Its postcode district", attribute="site.district")
    grade = integer("Its quality, from 1 to 4; 0 if unrated", attribute="site.grade")
    first_appointment_days = integer(
        "Days to the first appointment", attribute="site.first_appointment_days", none=True
    )
    distance_m = integer("How far it is, in metres")
    units = integer("How many units")
    charge_pence = pence("What your budget pays", attribute="match.charge_pence")
    pool_pence = pence("What of it goes to others; negative: what they carry", attribute="match.pool_pence")
    conventional_pence = pence("What the same would cost as the usual package")
    alone_pence = pence("What the same would cost you alone")
    alternatives = nested(AlternativeShape, "The other offers", many=True)


class PatientContractShape(Shape):
    """One of the patient's contracts."""

    id = string("The contract's id")
    status = one_of(ContractStatus, "Where it stands")
    service = string("The service", attribute="need.plan_line.service.name")
    provider = string("The provider", attribute="provider.name")
    site = string("The place", attribute="site.name")
    units = integer("How many units were agreed")
    units_confirmed = integer("How many of them are confirmed")
    charge_pence = pence("What your budget pays")
    offered_at = instant("When it was offered")
    sign_by = instant("It lapses if it is not signed by then")
    patient_signed_at = instant("When you signed", none=True)
    provider_signed_at = instant("When the provider signed", none=True)
    ends_at = instant("When it ends")
    ended_at = instant("When it was completed or ended", none=True)
    ended_reason = string("Why it ended", none=True)
    ended_by = one_of(Role, "Who ended it; `system` where its time was over", none=True)


class FullPatientContractShape(PatientContractShape):
    """One of the patient's contracts, with what was delivered."""

    deliveries = nested(DeliveryShape, "What was delivered", many=True)
