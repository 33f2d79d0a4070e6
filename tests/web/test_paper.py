"""Papers: a statement that agrees with the ledger to the penny, on a sheet and in a file; a contract to keep."""

import csv
import io
from decimal import Decimal

from tests.web.site import Site


def test_statement_and_contract_are_printed_and_kept(site: Site) -> None:
    """Every posting in words, the last line is what the ledger holds; nobody else's paper is found."""
    world = site.world.awarded()
    world.deliver(1, units=3)
    budget_id, contract = world.budget(1).id, world.contract(1)
    at = f"/patient/budgets/{budget_id}/statement"
    client = site.client("p1@example.test")
    text = client.get(at).get_data(as_text=True)
    for words in ("Paid into the budget", "Set aside for physiotherapy", "Promised to the provider of physiotherapy"):
        assert words in text
    assert "<nav" in text
    assert "nhsuk-header" not in text

    answer = client.get(f"{at}/csv")
    assert answer.headers["Content-Disposition"].endswith('.csv"')
    heads, *rows = list(csv.reader(io.StringIO(answer.get_data(as_text=True).lstrip("\ufeff"))))
    assert heads[:5] == ["Date", "What happened", "Why", "Amount", "Change"]
    assert text.count('class="nhsuk-table__row"') == len(rows)
    held = world.money(1)
    last = [round(Decimal(cell) * 100) for cell in rows[-1][5:]]
    spent = 3 * contract.charge_pence // contract.units
    assert last == [held["available"], held["reserved"], held["committed"], spent]
    for row in rows:
        assert Decimal(row[3]) > 0
    assert sum(Decimal(row[4]) for row in rows) == Decimal(rows[-1][5])
    for words in ("Set aside", "Promised", "Spent"):
        assert text.count(f"<strong>{words}</strong>") == 1
    for words in ("Given to others", "Owed"):
        assert words not in text
    assert client.get(f"{at}/xlsx").get_data().startswith(b"PK")
    assert client.get(f"{at}/exe").status_code == 404

    paper = client.get(f"/patient/contracts/{contract.id}/print").get_data(as_text=True)
    for words in ("Patient 01", "Bulk Physio", "10 sessions", "£500.00", "Done: 3 sessions. Left: 7 sessions."):
        assert words in paper
    other = site.client("p2@example.test")
    for path in (at, f"{at}/csv", f"/patient/contracts/{contract.id}/print"):
        assert other.get(path).status_code == 404
    assert site.client("broker@example.test").get(at).status_code == 403
