"""What the scenes of the demo need to play: the database, the values, who is who, and what was stored for what."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from marketplace.demo.market import LincolnshireMarket
from marketplace.demo.settle import Sessions, Town
from marketplace.rules.permissions import Actor


@dataclass(frozen=True)
class Scene:
    """One thing that happens at one moment."""

    at: datetime
    what: str
    act: Callable[[], None]


@dataclass
class Stage:
    """The demo while it runs.

    Attributes
    ----------
    held_back
        Offers that are not made, so that a visitor can make them.
    """

    sessions: Sessions
    market: LincolnshireMarket
    town: Town
    draw: random.Random
    held_back: frozenset[str]
    tender_ids: dict[str, str] = field(default_factory=dict)
    bundle_ids: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parties = (*self.town.patients.values(), *self.town.providers.values(), self.town.holder)
        self._by_party = {actor.party_id: actor for actor in parties}

    def by_party(self, party_id: str) -> Actor:
        """The patient, provider or holder who is this party."""
        return self._by_party[party_id]
