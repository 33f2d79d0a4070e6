"""The way of one part of a care plan, from the group to the last visit: what is done, what comes next, and when.

The steps are the journey's, in the patient's words. One of them is now, or the way has stopped (left, refused, no
provider found): then it ends there, and a new one begins with the next group.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from marketplace.records.contracts import Contract
from marketplace.records.pools import Consent, DefaultAnswer, Need, NeedStatus
from marketplace.records.rounds import Match, MatchStatus
from marketplace.rules.clock import Instant, london_midnight_after
from marketplace.rules.lifecycle import ContractStatus, TenderStatus
from marketplace.rules.permissions import SYSTEM

from .stages import again_by, is_made_again, is_searched_again
from .words import units


class StepState(StrEnum):
    """Where a step is seen from now."""

    DONE = "done"
    NOW = "now"
    AHEAD = "ahead"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class WayStep:
    """One step: its words, when it was done (or is to be by), and its state."""

    words: str
    state: StepState
    at: Instant | None = None
    by: Instant | None = None


BEING_MATCHED = "The offers are being matched"
MATCHED_AGAIN = f"{BEING_MATCHED} again"
STOPPED = {
    NeedStatus.DECLINED: "You are not in this group",
    NeedStatus.LEFT: "You left the group",
    NeedStatus.UNMATCHED: "No provider was found",
    NeedStatus.REFUSED: "You turned the match down",
    NeedStatus.DISPLACED: "The provider could not go ahead",
    NeedStatus.RELEASED: "It ended, and your money is free again",
}


@dataclass(frozen=True, slots=True)
class Way:
    """All steps of one part of a care plan."""

    steps: list[WayStep]

    @property
    def at(self) -> int:
        """The number of the step that is now (or the last one): 1 is the first."""
        reached = [number for number, step in enumerate(self.steps, start=1) if step.state is not StepState.AHEAD]
        return max(reached, default=1)

    @property
    def now(self) -> WayStep:
        """The step that is now, or the last one."""
        return self.steps[self.at - 1]


def way_of(need: Need | None, match: Match | None, contract: Contract | None) -> Way:
    """The steps in their order, with what is known of each. Without a need only the first is there, and ahead."""
    if need is None:
        return Way([WayStep("Your broker may ask you to join a group", StepState.AHEAD)])
    steps: list[WayStep] = []
    stopped = None if is_searched_again(need) else STOPPED.get(need.status)
    if need.status is NeedStatus.REFUSED and match is not None and answered_for(match):
        stopped = "You did not answer, so the match was turned down for you"
    if contract is not None and contract.status is ContractStatus.ENDED:
        stopped = "The contract ended early" if contract.units_confirmed else "The contract ended"
    for words, past, done, at, by in _steps(need, match, contract):
        if done:
            steps.append(WayStep(past, StepState.DONE, at=at))
        elif stopped is not None:
            ended_at = contract.ended_at if contract is not None else None
            return Way([*steps, WayStep(stopped, StepState.STOPPED, at=ended_at)])
        else:
            is_next = not steps or steps[-1].state is StepState.DONE
            steps.append(WayStep(words, StepState.NOW if is_next else StepState.AHEAD, by=by))
    return Way(steps)


def _steps(
    need: Need, match: Match | None, contract: Contract | None
) -> Iterator[tuple[str, str, bool, Instant | None, Instant | None]]:
    """Each step in words, before and after; whether it is done, when, and by when if it is not."""
    tender = need.bundle.tender
    agreed_at = next((consent.given_at for consent in reversed(need.consents) if consent.void_at is None), None)
    asked = "You were asked to join a group"
    yield asked, asked, True, need.invited_at, None
    yield (
        "You decide whether to join",
        "You joined the group",
        agreed_at is not None,
        agreed_at,
        tender.publish_by or tender.offers_due_at,
    )
    formed = agreed_at is not None and tender.published_at is not None
    formed_at = max(tender.published_at, agreed_at) if agreed_at is not None and tender.published_at else None
    yield "The group is being formed", "The group was formed", formed, formed_at, tender.publish_by
    offers_in = tender.closed_at is not None
    yield (
        "Providers make their offers",
        "Providers made their offers",
        offers_in,
        tender.offers_due_at,
        tender.offers_due_at,
    )
    stale = is_searched_again(need) or (match is not None and contract is None and is_made_again(match))
    matched = match is not None and not stale
    matched_at = tender.proposed_at if matched else None
    now = BEING_MATCHED if offers_in else "The offers are matched"
    yield MATCHED_AGAIN if stale else now, "The offers were matched", matched, matched_at, again_by(tender)
    said_yes = matched and match is not None and match.status is MatchStatus.ACCEPTED
    answered_at = match.answered_at if match is not None else None
    said_yes = said_yes or contract is not None
    for_them = match is not None and answered_for(match)
    yes = "You did not answer, so we said yes for you, as you chose" if for_them else "You said yes to your match"
    answer_by = match.answer_by if match is not None and not stale else None
    yield "You answer your match", yes, said_yes, answered_at, answer_by
    final = "The result is final"
    # while an objection waits, the pause's old end says nothing
    pause_ends = tender.standstill_ends_at if tender.status is TenderStatus.STANDSTILL else None
    yield final, final, contract is not None, tender.awarded_at, pause_ends
    signed_at = contract.concluded_at if contract is not None else None
    signed = signed_at is not None
    yield (
        "Everybody signs the contract",
        "Everybody signed the contract",
        signed,
        signed_at,
        contract.sign_by if contract is not None else None,
    )
    over = contract is not None and contract.status is ContractStatus.COMPLETED
    done, had = "", "You had all your care"
    if contract is not None and contract.units_confirmed < contract.units:
        had = "Your contract is over"
    if contract is not None and signed:
        done = f" ({contract.units_confirmed} of {units(contract.units, need.bundle.service.unit)} so far)"
    yield (
        f"You have your care{done}",
        had,
        over,
        contract.ended_at if contract is not None else None,
        # the contract itself runs on for some weeks, in which the provider may still record what took place before
        london_midnight_after(need.bundle.period_to) if contract is not None else None,
    )


def answered_for(match: Match) -> bool:
    """Whether the patient was silent and the answer was given for them, when the time to answer was over."""
    return match.answered_by == SYSTEM.user_id


def answer_if_silent(consents: Sequence[Consent]) -> DefaultAnswer | None:
    """What a patient's standing yes to a group says of their silence at the match; None without such a yes."""
    standing = [consent for consent in consents if consent.void_at is None]
    return standing[-1].default_answer if standing else None
