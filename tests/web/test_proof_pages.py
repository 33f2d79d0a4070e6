"""A result is checked by whoever wants to: the notice's roots, a patient's file, an auditor's bundle."""

import io
import json
import re
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from marketplace.cli import main
from marketplace.journey import roots
from marketplace.records.auditors import Auditor, Handout
from marketplace.records.database import writing
from marketplace.records.rounds import Round
from tests.web.site import Site, build_site
from tests.web.test_tender_life_pages import FUNDER, NEAR, refuses, shut, takes

PATIENT, OTHER, BROKER = "p1@example.test", "p2@example.test", "broker@example.test"
AUDITOR = {"name": "Ada Byron", "organisation": "County Audit", "purpose": "The yearly check, under contract 12"}


@pytest.fixture
def published(site: Site) -> Site:
    """A site on which a result was published just now."""
    site.world.proposed().accept().confirm()
    return site


def roots_on(page: str) -> list[str]:
    """The two roots as the notice shows them."""
    found = re.findall(r'_root</span></dt><dd[^>]*><span class="cp-hash">([0-9a-f]{64})<', page)
    assert len(found) == 2
    return found


def check(file: Path, *more: str) -> tuple[int, str]:
    """What the command says to somebody who has only the file."""
    told = CliRunner().invoke(main, ["proof", "check", str(file), *more])
    return told.exit_code, told.output


def test_a_downloaded_file_checks_against_the_public_page(published: Site, tmp_path: Path) -> None:
    """The story: from the link on my match to the command's answer; and with one penny changed it says no."""
    need, tender = published.world.need(1).id, published.world.tender.id
    client = published.client(PATIENT)
    page = client.get(f"/patient/invitations/{need}/check")
    assert f"/patient/invitations/{need}/check" in client.get(f"/patient/matches/{published.world.match(1).id}").text
    assert f"/patient/invitations/{need}/proof.json" in page.text
    answer = client.get(f"/patient/invitations/{need}/proof.json")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="my-part-{need}.json"'
    assert answer.headers["Cache-Control"] == "no-store"
    file = tmp_path / "mine.json"
    file.write_bytes(answer.data)

    notice = published.client().get(f"/tenders/{tender}").text
    roots = roots_on(notice)
    assert all(root in page.text for root in roots)
    given = [word for root in roots for word in ("--root", root)]
    code, told = check(file, *given)
    assert code == 0, told
    assert f"The need {need} is in what the matching was given" in told
    assert told.count("is the published one") == 2
    kept = tmp_path / "roots.json"
    kept.write_bytes(published.client().get(f"/tenders/{tender}/roots.json").data)
    assert check(file, "--notice", str(kept))[0] == 0
    assert "Compare" in check(file)[1]

    charge = json.loads(answer.data)["outcome"]["rows"][0]["row"]["assignment"]["charge_pence"]
    file.write_text(answer.text.replace(f'"charge_pence": {charge}', f'"charge_pence": {charge - 1}'))
    code, told = check(file, *given)
    assert code == 3
    assert f"The match of need {need} is NOT in what came out of it" in told
    file.write_bytes(answer.data)
    code, told = check(file, "--root", roots[0], "--root", "00" * 32)
    assert code == 3
    assert "NOT the published one" in told


def test_the_page_leads_with_the_answer(published: Site) -> None:
    """It is found by the file itself, and is another one when the stored result is not what was published."""
    need = published.world.need(1).id
    path = f"/patient/invitations/{need}/check"
    page = published.client(PATIENT).get(path).text
    assert "Yes: the published result was made with your part in it." in page
    assert page.index("Yes: the published result") < page.index("as a file") < page.index("--root")
    with writing(published.world.session):
        row = published.world.session.scalars(select(Round)).one()
        outcome = json.loads(json.dumps(row.outcome))
        next(line for line in outcome["assignments"] if line["need"] == need)["charge_pence"] -= 1
        row.outcome = outcome
    roots._kept.clear()  # as after a restart
    page = published.client(PATIENT).get(path).text
    assert "Your part does not fit the published result." in page
    assert "Yes: the published result" not in page


def test_the_file_is_its_patients_alone(published: Site) -> None:
    """Another patient does not find it, another role has no such page; the file of one names no other."""
    world = published.world
    mine, other = world.need(1).id, world.need(2).id
    for path in (f"/patient/invitations/{mine}/check", f"/patient/invitations/{mine}/proof.json"):
        assert published.client(OTHER).get(path).status_code == 404
        shut(published, path, BROKER, FUNDER, NEAR)
    assert other not in published.client(PATIENT).get(f"/patient/invitations/{mine}/proof.json").text


def test_nothing_is_offered_before_the_result_is_public(site: Site) -> None:
    world = site.world.proposed()
    need, tender, match = world.need(1).id, world.tender.id, world.match(1).id
    client = site.client(PATIENT)
    assert f"{need}/check" not in client.get(f"/patient/matches/{match}").text
    for page in ("check", "proof.json"):
        assert client.get(f"/patient/invitations/{need}/{page}").status_code == 409
    assert "_root" not in site.client().get(f"/tenders/{tender}").text
    assert site.client().get(f"/tenders/{tender}/roots.json").status_code == 404
    assert site.client().get(f"/tenders/{tender}/bundle.zip").status_code == 409
    takes(site, FUNDER, f"/commissioner/tenders/{tender}/auditors", AUDITOR)
    auditor = site.fresh().session.scalars(select(Auditor)).one().id
    assert "Get the file to hand out" not in site.client(FUNDER).get(f"/commissioner/tenders/{tender}/auditors").text
    assert site.client(FUNDER).post(f"/commissioner/auditors/{auditor}/bundle").status_code == 409


def test_somebody_without_a_match_can_check_it(site: Site, tmp_path: Path) -> None:
    """The tender has ended; its notice keeps the roots, and the line without a match is in."""
    world = site.world.draft().agree().publish()
    world.offer("near", (0, 6_100))
    world.later(days=15).run_round()
    need = world.need(1).id
    client = site.client(PATIENT)
    assert f"/patient/invitations/{need}/check" in client.get(f"/patient/invitations/{need}").text
    file = tmp_path / "mine.json"
    file.write_bytes(client.get(f"/patient/invitations/{need}/proof.json").data)
    roots = roots_on(site.client().get(f"/tenders/{world.tender.id}").text)
    code, told = check(file, "--root", roots[0], "--root", roots[1])
    assert code == 0
    assert f"The line without a match of need {need} is in what came out of it" in told


def test_a_cancelled_result_keeps_its_roots(published: Site) -> None:
    """What was published stays to be checked; who had won is shown no more."""
    tender = published.world.tender.id
    before = published.client().get(f"/tenders/{tender}").text
    typed = {"code": "error_in_tender", "reason": "A price was misprinted."}
    takes(published, FUNDER, f"/commissioner/tenders/{tender}/cancel", typed)
    after = published.client().get(f"/tenders/{tender}").text
    assert roots_on(after) == roots_on(before)
    assert "Who won" in before
    assert "Who won" not in after


def test_a_commissioner_names_an_auditor_and_hands_out(published: Site, tmp_path: Path) -> None:
    """Each hand-out is listed with its hash, patients read of it, and the file checks on its own."""
    world = published.world
    path = f"/commissioner/tenders/{world.tender.id}/auditors"
    assert path in published.client(FUNDER).get("/commissioner/tenders").text
    refuses(published, FUNDER, path, {**AUDITOR, "purpose": ""}, "purpose")
    refuses(published, FUNDER, path, {"name": "x" * 121, "organisation": "", "purpose": ""}, "name", "organisation")
    takes(published, FUNDER, path, AUDITOR)
    auditor = published.fresh().session.scalars(select(Auditor)).one().id
    shut(published, path, BROKER, NEAR, PATIENT)
    shut(published, f"/commissioner/auditors/{auditor}/bundle", BROKER, NEAR, PATIENT)

    answer = published.client(FUNDER).post(f"/commissioner/auditors/{auditor}/bundle")
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    handout = published.fresh().session.scalars(select(Handout)).one()
    page = published.client(FUNDER).get(path).text
    assert handout.sha256 in page
    assert "Ada Byron" in page
    assert "File for an auditor, without your name" in published.client(PATIENT).get("/patient/seen").text
    assert "Auditor: file of the matching handed out" in published.client(FUNDER).get("/commissioner/audit").text

    strike = f"/commissioner/auditors/{auditor}/strike-off"
    assert strike in page
    assert "handed out to them once" in refuses(published, FUNDER, strike, {"reason": " "}, "reason")
    shut(published, strike, BROKER, NEAR, PATIENT)
    takes(published, FUNDER, strike, {"reason": "Her contract has ended."})
    page = published.client(FUNDER).get(path).text
    assert all(told in page for told in ("Struck off", "Her contract has ended.", handout.sha256))
    assert "Get the file to hand out" not in page
    assert published.client(FUNDER).post(f"/commissioner/auditors/{auditor}/bundle").status_code == 409
    assert published.client(FUNDER).get(strike).status_code == 409

    bundle = tmp_path / "bundle.zip"
    bundle.write_bytes(answer.data)
    roots = roots_on(published.client().get(f"/tenders/{world.tender.id}").text)
    code, told = check(bundle, "--root", roots[0], "--root", roots[1])
    assert code == 0, told
    assert told.count("rows lead to the stated root") == 2
    changed = tmp_path / "changed.zip"
    _rewrite(
        bundle, changed, {"market.json": lambda text: text.replace('"budget_pence": 60000', '"budget_pence": 1', 1)}
    )
    code, told = check(changed)
    assert code == 3
    assert "do NOT lead" in told


def _rewrite(bundle: Path, changed: Path, changes: dict) -> None:
    with zipfile.ZipFile(bundle) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            new.writestr(name, changes.get(name, lambda text: text)(old.read(name).decode()))


def test_made_up_people_are_open_to_anybody_and_nobody_else(tmp_path: Path) -> None:
    """On a development machine the notice offers the whole round; where the setting is off there is no such file."""
    for is_open, status in ((True, 200), (False, 404)):
        folder = tmp_path / str(is_open)
        folder.mkdir()
        site = build_site(folder, WTF_CSRF_ENABLED=False, OPEN_BUNDLES=is_open)
        tender = site.world.proposed().accept().confirm().tender.id
        path = f"/tenders/{tender}/bundle.zip"
        assert (path in site.client().get(f"/tenders/{tender}").text) is is_open
        answer = site.client().get(path)
        assert answer.status_code == status
        if is_open:
            with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
                stored = site.world.session.scalars(select(Round)).one()
                assert json.loads(archive.read("market.json")) == stored.market
        site.world.session.close()


BAD = {
    "no file": None,
    "no json": b"not json",
    "no object": b"[1]",
    "another format": b'{"format": "market/1"}',
    "floats": b'{"format": "carepool-proof/1", "market": 1.5}',
    "twice": b'{"format": "carepool-proof/1", "format": "carepool-proof/1"}',
    "not a number": b'{"format": "carepool-proof/1", "market": NaN}',
    "deep": b"[" * 100_000,
    "half a zip": b"PK\x03\x04 and no more",
    "no text": b"\xff\xfe\x00",
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_such_file_is_told_in_a_sentence(tmp_path: Path, what: str) -> None:
    """Exit 2, and never a traceback."""
    file = tmp_path / "file.json"
    content = BAD[what]
    if content is not None:
        file.write_bytes(content)
    code, told = check(file)
    assert code == 2, told
    assert "Error: " in told
    assert "Traceback" not in told


def test_a_root_is_64_digits(tmp_path: Path) -> None:
    file = tmp_path / "file.json"
    file.write_text("{}")
    code, told = check(file, "--root", "abc")
    assert code == 2
    assert "64 hexadecimal digits" in told
    assert check(file, "--notice", str(file))[0] == 2
