"""The migrations lead to exactly the tables of the code."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Engine

from marketplace.records import Base, schema
from marketplace.records.database import configure_engine


def test_migrations_lead_to_the_tables(tmp_path: Path) -> None:
    """A database made by the migrations lacks nothing and has nothing too much; again changes nothing."""
    engine = configure_engine(create_engine(f"sqlite:///{tmp_path / 'fresh.sqlite'}"))
    assert schema.is_empty(engine)
    schema.upgrade(engine)
    schema.upgrade(engine)
    assert schema.differences(engine) == []
    engine.dispose()


def test_migrations_lead_to_the_tables_on_postgresql(engine: Engine) -> None:
    """The same on PostgreSQL, from nothing."""
    if engine.dialect.name != "postgresql":
        Base.metadata.drop_all(engine)
    else:
        with engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    schema.upgrade(engine)
    assert schema.differences(engine) == []


def test_a_missing_column_is_noticed(tmp_path: Path) -> None:
    """The comparison is able to fail."""
    engine = configure_engine(create_engine(f"sqlite:///{tmp_path / 'fresh.sqlite'}"))
    schema.upgrade(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE messages DROP COLUMN template")
    assert len(schema.differences(engine)) == 1
    engine.dispose()


@pytest.mark.parametrize("table", sorted(Base.metadata.tables))
def test_every_amount_fits(table: str) -> None:
    """No column of pence or units is a 32-bit integer."""
    for column in Base.metadata.tables[table].columns:
        if column.name.endswith("_pence"):
            assert str(column.type) == "BIGINT", f"{table}.{column.name}"
