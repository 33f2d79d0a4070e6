"""What the audit trail's codes say to a person: `act_words`, `about_words`, `fact_words`, `acts_called`.

The trail itself keeps the codes, and its file lists them as they are. An act nobody has written better words for is
told by its code: ``tender.published`` -> ``Tender: published``. `is_code` tells what no words can be found for.
"""

import re
from collections.abc import Mapping
from datetime import date

from marketplace.rules.money import format_pounds

from .words import day, words

ACTS: Mapping[str, str] = {
    "account.others_signed_out": "account: signed out everywhere else",
    "account.recovery_codes_renewed": "account: new recovery codes made",
    "account.second_step_moved": "account: second step moved to another phone",
    "account.second_step_off": "account: second step switched off",
    "account.second_step_on": "account: second step switched on",
    "account.second_step_taken_away": "account: second step taken away by a commissioner",
    "account.second_step_refused": "account: wrong code at the second step",
    "auditor.bundle_handed_out": "auditor: file of the matching handed out",
    "auditor.struck_off": "auditor: struck off",
    "award.minimum_waived": "award: provider goes below its minimum",
    "broker.fee_agreed": "broker: fee agreed",
    "broker.fee_paid": "broker: fees paid",
    "budget.left": "budget: left for the usual package",
    "budgets.allocated": "budgets: opened from a file",
    "budgets.checked": "budgets: file checked",
    "client.taken_on": "client: taken on by a broker",
    "clients.checked": "clients: file checked",
    "clients.imported": "clients: taken on from a file",
    "consent.voided": "consent: no longer holds",
    "contract.pool_short": "contract: the group's money was not enough",
    "contract.rating_kept_back": "contract: what was written kept from the provider",
    "contract.signed": "contract: signed by all",
    "contract.signed_by_party": "contract: signed by one side",
    "contract.waits": "contract: signed by all, waits for the group's money",
    "deliveries.imported": "deliveries: recorded from a file",
    "holder.admitted": "organisation that holds budgets: admitted",
    "lot.cancelled": "group: cancelled",
    "payments.posted_back": "payments: the bank's answer noted",
    "patient.facts_recorded": "patient: recorded what counts for extra support",
    "plan.line_changed": "plan: one part changed",
    "pool.agreed": "group: joined",
    "pool.declined": "group: invitation declined",
    "pool.handed_over": "shared group: money handed over",
    "pool.invited": "group: people invited",
    "pool.left": "group: left",
    "pool.preferences_set": "group: what counts for the person noted",
    "pool.returned": "shared group: money given back",
    "bundle.built": "group: formed",
    "rematch.started": "match: begun again after refusals",
    "representation.decided": "objection: decided",
    "representation.made": "objection: made",
    "round.failed": "match: broken off",
    "round.started": "match: begun",
    "round.verified": "match: result checked",
    "standstill.resumed": "standstill: goes on",
    "support.changed": "extra support: decided anew",
    "support.ended": "extra support: ended",
    "support.granted": "extra support: given",
    "supporter.ended": "extra support: supporter no longer",
    "supporter.named": "extra support: supporter named",
    "tender.opened": "tender: offers opened",
}
FACTS: Mapping[str, str] = {
    "answer_days": "days more to answer",
    "asked_on": "asked for on",
    "browsers": "browsers signed out",
    "code": "grounds",
    "consents_voided": "consents that no longer hold",
    "default_answer": "if they do not answer",
    "demand_sha256": "hash of what is asked for",
    "displaced": "moved to another provider",
    "due_pence": "now owed to the provider",
    "easy_read": "easy read",
    "ends_on": "ends on",
    "facts_sha256": "hash of what it says",
    "known": "known already",
    "lines": "parts",
    "may_write": "may write",
    "needs": "parts of plans",
    "next_review": "next review",
    "nonce_sha256": "hash of the tender's secret",
    "offers_voided": "offers that no longer hold",
    "outcome_root": "root of the result",
    "market_root": "root of the market",
    "provider_may_read": "the provider may read what was written",
    "seed": "seed of the search",
    "shares_pool": "helps others to pay",
    "termination": "how the search ended",
    "units": "how many",
    "voided": "consents that no longer hold",
    "was_paid": "was paid before",
    "whole": "the whole budget",
}
OF_ACT: Mapping[tuple[str, str], str] = {
    ("patient.broker_chosen", "left"): "groups left",
    ("rematch.started", "left"): "people who left",
    ("payments.prepared", "lines"): "payments",
    ("budgets.checked", "lines"): "lines of the file",
    ("account.recovery_code_used", "left"): "recovery codes left",
}
"""Facts whose name says different things of different acts."""

ABOUT: Mapping[str, str] = {
    "account": "Account",
    "authority": "Authority to act",
    "bundle": "Group",
    "budgets": "Your office",
    "client": "Patient",
    "clients": "Broker",
    "consent": "Place in a group",
    "deliveries": "Provider",
    "holder": "Organisation that holds budgets",
    "lot": "Group",
    "payments": "Payment run",
    "plan": "Budget",
    "pool": "Place in a group",
    "program": "Other program",
    "rematch": "Match",
    "representation": "Objection",
    "round": "Match",
    "rules": "Your office",
    "standstill": "Tender",
    "study": "Comparison",
    "support": "Budget",
    "supporter": "Patient",
}
"""What an act is about, by the first word of its code; any other word says it itself."""

ABOUT_ELSE: Mapping[str, str] = {
    "award.confirmed": "Tender",
    "plan.line_changed": "Part of a care plan",
    "pool.handed_over": "Who holds the money",
    "pool.invited": "Group",
    "pool.returned": "Tender",
    "service.excluded": "Exclusion",
}
"""The acts that are about something else than the others of their word."""

VALUES: Mapping[str, str] = {
    "cancelled": "cancelled",
    "limit_reached": "at its time limit",
    "nothing_matched": "nobody can be matched",
    "optimal": "nothing better can be found",
    "within_gap": "close enough to the best",
    "pool_short": "the group's money was not enough",
    "run_again": "to be matched again",
}
_CODE = re.compile(r"[a-z]+(?:_[a-z]+)+")
_ID = re.compile(r"[0-9a-z]{16}")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def act_words(event: str) -> str:
    """An act in words."""
    told = ACTS.get(event) or event.replace(".", ": ").replace("_", " ")
    return told[:1].upper() + told[1:]


def about_words(event: str) -> str:
    """What kind of thing an act is about."""
    kind = event.partition(".")[0]
    return ABOUT_ELSE.get(event) or ABOUT.get(kind) or words(kind)


def is_code(name: str, value: object) -> bool:
    """Whether a fact is a hash, a seed or the code of another thing: true, and nothing that anybody reads."""
    return name == "seed" or name.endswith(("_sha256", "_root")) or _ID.fullmatch(str(value)) is not None


def acts_called(words: str) -> list[str]:
    """The acts whose words have these in them: people look for what they have read."""
    return [event for event, told in ACTS.items() if words.lower() in told.lower()]


def fact_words(event: str, name: str, value: object) -> tuple[str, str]:
    """A fact noted with an act: its name and its value in words."""
    told = OF_ACT.get((event, name)) or FACTS.get(name)
    if told is None:
        plain = name.removesuffix("_pence").removesuffix("_sha256").replace("_", " ")
        told = f"hash of the {plain}" if name.endswith("_sha256") else plain
    if name.endswith("_pence") and isinstance(value, int):
        return told, format_pounds(value)
    return told, _value(value)


def _value(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    if _DAY.fullmatch(text):
        return day(date.fromisoformat(text))
    return VALUES.get(text) or (text.replace("_", " ") if _CODE.fullmatch(text) else text)
