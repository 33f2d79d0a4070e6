"""What a worker's steps have in their hands, at the moment of the small world they work on."""

from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from marketplace.adapters.sealing import Keyring
from marketplace.work.equipment import Equipment, lend_equipment
from tests.worlds import SmallWorld


@pytest.fixture
def tools(engine: Engine, keyring: Keyring, world: SmallWorld, tmp_path: Path) -> Equipment:
    """The equipment of a worker in this process; its clock is the world's."""
    tools = Equipment(engine=engine, keyring=keyring, clock=lambda: world.now, mail=None, var_dir=tmp_path)
    lend_equipment(tools)
    return tools
