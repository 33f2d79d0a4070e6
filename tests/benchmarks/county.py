# ruff: noqa: S608 - the names of tables and columns are those of our own metadata
"""A county of 100,000 patients for the page benchmarks: the demo's database, its people and tenders many times over.

`widen` copies every row that hangs on a patient or a tender, under new ids; brokers, providers, catalogue and the
commissioner stay as they are, so that each of them has some eighty times as much to look after. The ledger's sums still
hold (`ledger.out_of_balance` finds nothing); the audit chain does not, because copied events are nobody's acts.
"""

from sqlalchemy import Connection, Engine, Table, text

from marketplace.records import Base

SHARED = {
    "brokers", "commissioners", "commissioner_rules", "exclusions", "holders", "interests", "jobs", "providers",
    "services", "sign_ins", "sites", "workers",
}  # fmt: skip
ID_LENGTH = 24
KEPT_CHARACTERS = ID_LENGTH - 4
HOLE = "####"
NUMBERED = {"users": "email", "transfers": "idempotency_key", "patients": "nhs_number_lookup"}
"""Columns that are unique beside the ids: each copy puts its own mark in front."""


def widen(engine: Engine, patients: int) -> int:
    """Copy the demo until there are at least so many patients; returns how many there are (SQLite only)."""
    with engine.begin() as connection:
        there = int(connection.scalar(text("SELECT count(*) FROM patients")) or 0)
        copies = -(-patients // there) - 1
        _mark(connection)
        tables = [table for table in Base.metadata.sorted_tables if table.name not in SHARED]
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        for table in tables:
            _copy(connection, table, copies)
        _sum_up(connection)
        return int(connection.scalar(text("SELECT count(*) FROM patients")) or 0)


def _mark(connection: Connection) -> None:
    """Write down which ids are copied: those of everything that is not shared, or an account of what is."""
    connection.exec_driver_sql("CREATE TEMP TABLE copied (id TEXT PRIMARY KEY) WITHOUT ROWID")
    for table in Base.metadata.sorted_tables:
        if table.name in SHARED or "id" not in table.c or table.name in ("users", "accounts"):
            continue
        connection.exec_driver_sql(f"INSERT OR IGNORE INTO copied SELECT id FROM {table.name}")
    connection.exec_driver_sql("INSERT INTO copied SELECT id FROM users WHERE role IN ('patient', 'representative')")
    connection.exec_driver_sql("INSERT INTO copied SELECT id FROM accounts WHERE owner_id IN (SELECT id FROM copied)")


def _copy(connection: Connection, table: Table, copies: int) -> None:
    """One table's rows so many times more, each time with the copy's number where an id is copied."""
    connection.exec_driver_sql("DROP TABLE IF EXISTS pattern")
    shown = ", ".join(f"{_patterned(table, name)} AS {name}" for name in table.c.keys())  # noqa: SIM118 - columns
    where = "WHERE id IN (SELECT id FROM copied)" if table.name in ("users", "accounts") else ""
    connection.exec_driver_sql(f"CREATE TEMP TABLE pattern AS SELECT {shown} FROM {table.name} {where}")
    names = ", ".join(table.c.keys())
    for copy in range(1, copies + 1):
        values = ", ".join(_copied(table, name, copy) for name in table.c.keys())  # noqa: SIM118 - columns
        connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) SELECT {values} FROM pattern")


def _is_id(table: Table, name: str) -> bool:
    return getattr(table.c[name].type, "length", None) == ID_LENGTH


def _patterned(table: Table, name: str) -> str:
    if not _is_id(table, name):
        return name
    hole = f"substr({name}, 1, {KEPT_CHARACTERS}) || '{HOLE}'"
    return f"CASE WHEN {name} IN (SELECT id FROM copied) THEN {hole} ELSE {name} END"


def _copied(table: Table, name: str, copy: int) -> str:
    mark = f"k{copy:03d}"
    if _is_id(table, name):
        return f"replace({name}, '{HOLE}', '{mark}')"
    if table.name == "audit_events":
        if name == "number":
            return f"number + {copy} * (SELECT max(number) FROM pattern)"
        if name in ("sha256", "previous_sha256"):
            return f"'{mark}' || substr({name}, 5)"
    if NUMBERED.get(table.name) == name:
        return f"'{mark}' || {name}"
    if (table.name, name) == ("entries", "number"):
        before = f"{copy} * (SELECT entry_count FROM accounts WHERE accounts.id = pattern.account_id)"
        return f"CASE WHEN instr(account_id, '{HOLE}') THEN number ELSE number + {before} END"
    return name


def _sum_up(connection: Connection) -> None:
    """Write on every shared account what its entries say now."""
    entries = "FROM entries WHERE entries.account_id = accounts.id"
    connection.exec_driver_sql(
        f"UPDATE accounts SET balance_pence = (SELECT sum(amount_pence) {entries}), "
        f"entry_count = (SELECT count(*) {entries}) WHERE entry_count > 0 AND id NOT IN (SELECT id FROM copied) "
        f"AND id NOT LIKE '{'_' * KEPT_CHARACTERS}k___'"
    )
