"""The words that no e-mail may hold: services, conditions, and what would give them away."""

import csv
import re
from importlib.resources import files

from marketplace.demo.catalogue import services

_REGISTERS = files("marketplace.demo") / "data" / "registers.csv"
_PLAIN = {"and", "care", "home", "of", "the", "to", "for", "size", "list"}


def _words() -> set[str]:
    with _REGISTERS.open(encoding="utf-8") as file:
        conditions = {row["condition"] for row in csv.DictReader(file)}
    names = {service.name for service in services().values()} | conditions
    parts = {part.lower() for name in names for part in re.split(r"[^A-Za-z]+", name)}
    parts |= {name.lower() for name in names}
    parts |= {
        "physio",
        "arthritis",
        "back pain",
        "condition",
        "diagnosis",
        "disease",
        "health",
        "nhs",
        "therap",
        "treat",
    }
    return {part for part in parts if len(part) > 3 and part not in _PLAIN}


HEALTH_WORDS = re.compile("|".join(sorted(re.escape(word) for word in _words())), re.IGNORECASE)
