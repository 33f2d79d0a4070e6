"""Scenarios are computed by a worker beside the published policy's result; nothing can be proposed from them."""

import ast
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import func, select

from marketplace.journey import rounds, studies
from marketplace.journey.studies import Asked
from marketplace.records import audit
from marketplace.records.database import writing
from marketplace.records.jobs import Job, JobStatus
from marketplace.records.ledger import Transfer
from marketplace.records.outbox import Message
from marketplace.records.rounds import Award, Match, Round
from marketplace.records.studies import Study, StudyBasis
from marketplace.rules.errors import Invalid, NotFound, WrongState
from marketplace.rules.lifecycle import TenderStatus
from marketplace.rules.permissions import Actor, Role
from marketplace.rules.tendering import Policy
from marketplace.work import client, kinds, scenarios, steps
from tests.work.hands import do_what_was_asked, lend
from tests.worlds import SmallWorld

POLICY = Policy(pence_per_quality_grade=300, pence_per_km=30, best_grade=4)


def closed(world: SmallWorld, **terms: object) -> SmallWorld:
    return world.draft(**terms).agree().publish().three_offers().later(days=15)


def test_the_odd_penny_of_a_shared_fee_is_no_other_charge() -> None:
    """Who gets it may change though nothing else does; two pennies, or another provider, count."""
    offers = {"o": SimpleNamespace(provider="p"), "q": SimpleNamespace(provider="r")}

    def answered(**charges: tuple[str, int]) -> Any:
        rows = [SimpleNamespace(need=need, offer=offer, charge_pence=pence) for need, (offer, pence) in charges.items()]
        return SimpleNamespace(outcome=SimpleNamespace(assignments=rows), market=SimpleNamespace(offer_by_id=offers))

    before = answered(a=("o", 50_667), b=("o", 50_666), c=("o", 50_666), d=("o", 50_666))
    after = answered(a=("o", 50_666), b=("o", 50_667), c=("o", 50_668), d=("q", 50_000))
    counts = scenarios._affected(before, after)
    assert {name: count for name, count in counts.items() if count} == {"move": 1, "dearer": 1, "cheaper": 1}


def compare(world: SmallWorld, asked: Asked) -> Study:
    """Ask, and have a worker answer."""
    with writing(world.session):
        study_id = client.enqueue_scenarios(world.session, world.now, world.broking, world.tender.id, asked).id
    assert do_what_was_asked(world) == 1
    study = world.session.get_one(Study, study_id)
    assert study.result is not None, world.session.scalars(select(Job.message)).all()
    return study


def offer_of(world: SmallWorld, name: str) -> str:
    return next(row.id for row in world.tender.offers if row.provider_id == world.providers[name].id)


def counts(world: SmallWorld) -> list[int]:
    """Whatever a proposal would leave behind."""
    kept = (Round, Award, Match, Transfer, Message)
    return [world.session.scalar(select(func.count()).select_from(kind)) or 0 for kind in kept]


def test_a_rule_an_offer_and_weights_side_by_side(world: SmallWorld) -> None:
    """Each column is the engine's own answer: without the cheap offer everybody pays more; with one provider asked
    for at most, leaving that rule out costs nothing.
    """
    closed(world, max_providers=1).run_round()
    before = counts(world)
    asked = Asked(("provider_count", "exclusive_offers"), (offer_of(world, "bulk"),), (("pence_per_km", 0),), 800)
    study = compare(world, asked)
    assert (study.basis, study.market_sha256) == (StudyBasis.RESULT, world.tender.rounds[0].market_sha256)
    base, (rule, absent, without, weights, poorer) = study.result["base"], study.result["columns"]
    assert (base["matched"], base["needs"], base["units"]) == (12, 12, 120)
    assert base["conventional_pence"] == 12 * 79_060
    assert (rule["stated"], absent["stated"]) == (True, False)
    assert rule["effective_cost_pence"] <= base["effective_cost_pence"]
    assert without["charges_pence"] > base["charges_pence"]
    assert without["affected"]["dearer"] == 12
    assert without["affected"]["move"] == 12
    assert offer_of(world, "bulk") not in {award["offer"] for award in without["awards"]}
    assert weights["scenario"]["weights_pence"] == {"pence_per_km": 0}
    assert (poorer["matched"], poorer["affected"]["lose"]) == (0, 12)
    assert study.result["versions"]
    assert counts(world) == before
    assert world.tender.status is TenderStatus.PROPOSED
    assert audit.check_chain(world.session) is None
    assert world.books_balance()


def test_before_the_round_on_the_opened_offers(world: SmallWorld) -> None:
    """The published policy's own column is what the round comes to afterwards."""
    study = compare(closed(world), Asked(without_offers=(offer_of(world, "near"),)))
    assert study.basis is StudyBasis.OFFERS
    assert (world.tender.status, counts(world)[:3]) == (TenderStatus.CLOSED, [0, 0, 0])
    world.run_round()
    assert world.tender.rounds[0].market_sha256 == study.market_sha256
    assert world.tender.rounds[0].outcome_sha256 == study.result["base"]["outcome_sha256"]


def test_nothing_can_be_proposed_from_a_study(world: SmallWorld) -> None:
    """A study has no assignments and is no round; the modules that make it do not reach the steps that propose."""
    study = compare(closed(world).run_round(), Asked(budgets_permille=1_100))
    with pytest.raises(NotFound), writing(world.session):
        rounds.finish_round(world.session, world.now, world.broking, study.id, {"assignments": []})
    assert "assignments" not in str(study.result)
    need_ids = {world.need(number).id for number in range(1, 13)}
    assert not any(need in str(study.result) for need in need_ids)
    reached = set()
    for module in (studies, kinds.solve_scenarios):
        source = Path(str(__import__("inspect").getsourcefile(module))).read_text()
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom):
                reached |= {name.name for name in node.names}
    assert not reached & {"finish_round", "start_round", "open_round", "Award", "Match", "reserve", "TENDER_MOVES"}


def test_what_cannot_be_asked(world: SmallWorld) -> None:
    world.draft().agree().publish().three_offers()

    def ask(asked: Asked, actor: Actor | None = None) -> None:
        with writing(world.session):
            client.enqueue_scenarios(world.session, world.now, actor or world.broking, world.tender.id, asked)

    some = Asked(budgets_permille=900)
    with pytest.raises(WrongState, match="once the offers are open"):
        ask(some)
    world.later(days=15)
    for wrong in (
        Asked(),
        Asked(without_offers=("another",)),
        Asked(without_rules=("own_budget",)),
        Asked(without_rules=tuple(studies.RULES)),
    ):
        with pytest.raises(Invalid):
            ask(wrong)
    with pytest.raises(NotFound):
        ask(some, Actor("user-x", Role.BROKER, "another"))
    assert world.session.scalars(select(Study)).all() == []
    ask(some)
    ask(some)
    assert world.session.scalar(select(func.count()).select_from(Study)) == 1
    with pytest.raises(WrongState, match="Another comparison"):
        ask(Asked(budgets_permille=1_100))


def test_a_match_need_not_wait_for_a_comparison(world: SmallWorld) -> None:
    """Both may be under way for one tender; the comparison waits in another queue."""
    closed(world)
    with writing(world.session):
        asked = Asked(budgets_permille=900)
        study_id = client.enqueue_scenarios(world.session, world.now, world.broking, world.tender.id, asked).id
        client.enqueue_round(world.session, world.now, world.broking, world.tender.id)
    assert len({kinds.KINDS[job.kind].queue for job in world.session.scalars(select(Job))}) == 2
    assert do_what_was_asked(world) == 2
    assert world.tender.status is TenderStatus.PROPOSED
    progress = client.progress_of_study(world.session, world.now, world.broking, study_id)
    assert (progress.status, progress.stage["number"]) == (JobStatus.DONE, 1)
    with pytest.raises(NotFound):
        client.progress_of_study(world.session, world.now, Actor("user-x", Role.BROKER, "another"), study_id)


def test_called_off(world: SmallWorld) -> None:
    """A comparison that is stopped has no result, and the next one can be asked for."""
    closed(world)
    with writing(world.session):
        asked = Asked(budgets_permille=900)
        study_id = client.enqueue_scenarios(world.session, world.now, world.broking, world.tender.id, asked).id
    lend(world)
    job_id = world.session.scalars(select(Job.id)).one()
    assert steps.freeze(job_id) == steps.freeze(job_id) == study_id
    with writing(world.session):
        client.cancel_job(world.session, world.now, world.broking, job_id)
    answer = steps.solve(job_id, study_id)
    steps.record(job_id, study_id, answer)
    world.session.rollback()
    job = world.session.get_one(Job, job_id)
    assert (job.status, job.message) == (JobStatus.CANCELLED, client.SCENARIOS_CALLED_OFF)
    assert world.session.get_one(Study, study_id).result is None
    assert compare(world, asked).id != study_id


def test_a_draft_is_tried_on_the_last_similar_tender(world: SmallWorld) -> None:
    """First there is none: a made-up market. After a tender for the same service, that one's offers."""
    world.draft()
    with writing(world.session):
        client.enqueue_preview(world.session, world.now, world.broking, world.tender.id, POLICY)
    assert do_what_was_asked(world) == 1
    made_up = world.session.scalars(select(Study)).one()
    assert made_up.basis is StudyBasis.MADE_UP
    assert made_up.result["base"]["needs"] == studies.MADE_UP_NEEDS
    assert "conventional_pence" not in made_up.result["base"]
    world.agree().publish().three_offers().later(days=15).run_round()
    past, policy = world.tender.id, world.tender.policy_sha256
    with writing(world.session), pytest.raises(WrongState, match="fixed"):
        client.enqueue_preview(world.session, world.now, world.broking, past, POLICY)
    world.draft()
    with writing(world.session):
        dear = Policy(pence_per_quality_grade=300, pence_per_km=900, best_grade=4)
        study_id = client.enqueue_preview(world.session, world.now, world.broking, world.tender.id, dear).id
    assert do_what_was_asked(world) == 1
    study = world.session.get_one(Study, study_id)
    assert (study.basis, study.round.tender_id) == (StudyBasis.PAST, past)
    drafted, alone = study.result["columns"]
    assert drafted["scenario"]["weights_pence"]["pence_per_km"] == 900
    assert drafted["affected"]["move"] > 0
    assert alone["charges_pence"] <= drafted["charges_pence"]
    assert world.tender.policy_sha256 == policy
