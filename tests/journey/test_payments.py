"""Payment runs: one file out, one answer back, every penny accounted for."""

import pytest

from marketplace.adapters.bank_files import ANSWER_COLUMNS, Answer, Instruction, plain_cell, read_answer, write
from marketplace.journey import payments, settlements
from marketplace.records import ledger
from marketplace.records.database import writing
from marketplace.records.ledger import AccountKind
from marketplace.records.payments import PaymentRun
from marketplace.rules.errors import Conflict, Invalid, NotFound, WrongState
from tests.journey.test_after_award import deliver
from tests.worlds import SmallWorld


def prepared(world: SmallWorld) -> PaymentRun:
    """Four sessions of two patients are confirmed and with the bank."""
    world.awarded()
    deliver(world, 1, 1)
    deliver(world, 2, 3)
    with writing(world.session):
        return payments.prepare_run(world.session, world.now, world.funder)


def answer_all(world: SmallWorld, run: PaymentRun, *, paid: bool) -> list[Answer]:
    return [Answer(line.id, line.amount_pence, paid, "" if paid else "No such account") for line in run.lines]


def post(world: SmallWorld, run: PaymentRun, answers: list[Answer]) -> int:
    with writing(world.session):
        return payments.post_back(world.session, world.now, world.funder, run.id, answers)


def test_a_run_is_paid_once(world: SmallWorld) -> None:
    """The file names each provider once; the answer settles it; posted again it changes nothing."""
    run = prepared(world)
    provider_id = world.contract(1).provider_id
    charge = world.contract(1).charge_pence
    (line,) = run.lines
    assert line.amount_pence == charge // 10 + charge * 3 // 10
    rows = payments.bank_file(world.session, world.funder, run.id).splitlines()
    assert rows[1].startswith(f"{line.id},Bulk Physio,{line.amount_pence // 100}.")
    # what is with the bank cannot be paid by hand as well
    with writing(world.session):
        assert settlements.pay_provider(world.session, world.now, world.funder, provider_id) == 0
    assert post(world, run, answer_all(world, run, paid=True)) == 1
    assert post(world, run, answer_all(world, run, paid=True)) == 0
    assert ledger.balance_pence(world.session, AccountKind.PAID, provider_id) == line.amount_pence
    came = payments.reconcile(world.session, world.funder)
    assert came.agrees
    assert (came.sent_pence, came.paid_pence, came.waiting_pence) == (line.amount_pence, line.amount_pence, 0)
    assert world.books_balance()


def test_what_the_bank_returns_is_due_again(world: SmallWorld) -> None:
    run = prepared(world)
    assert post(world, run, answer_all(world, run, paid=False)) == 1
    with pytest.raises(Conflict):
        post(world, run, answer_all(world, run, paid=True))
    with writing(world.session):
        again = payments.prepare_run(world.session, world.now, world.funder)
    assert [line.amount_pence for line in again.lines] == [line.amount_pence for line in run.lines]
    assert post(world, again, answer_all(world, again, paid=True)) == 1
    assert payments.reconcile(world.session, world.funder).agrees


def test_nothing_is_due_twice(world: SmallWorld) -> None:
    prepared(world)
    with pytest.raises(WrongState, match="Nothing is due"), writing(world.session):
        payments.prepare_run(world.session, world.now, world.funder)


def test_a_wrong_answer_settles_nothing(world: SmallWorld) -> None:
    """One bad line, and the whole answer is refused with its place."""
    run = prepared(world)
    (line,) = run.lines
    for wrong in (Answer("nobody", 1, True, ""), Answer(line.id, line.amount_pence + 1, True, "")):
        with pytest.raises(Invalid) as caught:
            post(world, run, [*answer_all(world, run, paid=True), wrong])
        assert caught.value.place == "line 3"
    world.session.expire_all()
    assert payments.reconcile(world.session, world.funder).waiting_pence == line.amount_pence


def test_a_run_is_its_payers_own(world: SmallWorld) -> None:
    run = prepared(world)
    with pytest.raises(NotFound):
        payments.bank_file(world.session, world.patient(1), run.id)


HEAD = ",".join(ANSWER_COLUMNS)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "line 1"),
        ("A,B\n", "line 1"),
        (f"{HEAD}\nx,1.00,paid\n", "line 2"),
        (f"{HEAD}\nx,1.00,perhaps,\n", "line 2"),
        (f"{HEAD}\n\nx,one,paid,\n", "line 3"),
        (f"{HEAD}\n" + "x,1.00,paid,\n" * 10_001, "file"),
        ("x" * 1_000_001, "file"),
    ],
)
def test_a_bad_file_names_its_line(text: str, place: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_answer(text)
    assert caught.value.place == place


def test_a_good_answer() -> None:
    assert read_answer(f"\ufeff{HEAD}\nr1,48.50,Paid,\nr2,1.00,returned,No account\n") == [
        Answer("r1", 4850, True, ""),
        Answer("r2", 100, False, "No account"),
    ]


def test_no_formula_leaves_the_house() -> None:
    """A provider called like a formula is text in the bank's spreadsheet."""
    from datetime import date

    assert plain_cell("=1+1") == "'=1+1"
    assert "'=HYPERLINK" in write([Instruction("r", "=HYPERLINK(1)", 5)], date(2026, 1, 2))
