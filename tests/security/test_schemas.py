"""Nobody can write what a form does not ask for (safety: mass assignment)."""

import importlib
import pkgutil

import pytest
from marshmallow import RAISE, Schema

import marketplace.schemas
from marketplace.records import Base

MODULES = [
    importlib.import_module(f"marketplace.schemas.{info.name}")
    for info in pkgutil.iter_modules(marketplace.schemas.__path__)
]
SCHEMAS = sorted(
    {
        value
        for module in MODULES
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Schema) and value is not Schema
    },
    key=lambda schema: schema.__name__,
)
COLUMNS = sorted({column.name for table in Base.metadata.tables.values() for column in table.columns})


@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_unasked_column_is_refused(schema: type[Schema]) -> None:
    """Each column of each table, posted to each schema: what is no field of it is an error under its name."""
    assert schema().unknown == RAISE
    asked = set(schema().fields)
    errors = schema().validate(dict.fromkeys(COLUMNS, "1"))
    unasked = {name for name in COLUMNS if name not in asked}
    assert unasked <= set(errors)


def test_there_are_schemas() -> None:
    """The walk over the package finds them."""
    assert len(SCHEMAS) >= 10
