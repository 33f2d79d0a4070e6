"""What tests would otherwise make anew each time: an SQLite database with all tables, the pages' compiled templates."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import create_engine

from marketplace.records import Base
from marketplace.records.database import configure_engine


def lay_sqlite(path: Path) -> str:
    """An empty database with all tables in this file; returns its address."""
    shutil.copyfile(_template(), path)
    return f"sqlite:///{path}"


@cache
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="carepool-tables-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "carepool.sqlite"
    engine = configure_engine(create_engine(f"sqlite:///{path}"))
    Base.metadata.create_all(engine)
    engine.dispose()
    return path


class CompiledTemplates(BytecodeCache):
    """Templates compiled once for all the sites of a test process."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take what another site has compiled of the same source."""
        code = self._code.get(f"{bucket.key}:{bucket.checksum}")
        if code is not None:
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what this site has compiled."""
        self._code[f"{bucket.key}:{bucket.checksum}"] = bucket.bytecode_to_string()
