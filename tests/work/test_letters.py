"""Every message that the journey can send has a text, and no text says anything about anybody's health."""

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from marketplace.adapters.mail import MailServer
from marketplace.demo.catalogue import services
from marketplace.records.tenders import Decision
from marketplace.rules.lifecycle import ContractStatus, TenderStatus
from marketplace.work import post
from tests.web.reading import grade_of, sentences_of
from tests.work.words import HEALTH_WORDS

JOURNEY = Path(__file__).resolve().parents[2] / "marketplace" / "journey"
SERVER = MailServer("localhost", 25, "carepool@example.test", "https://carepool.example")
ENDS = [
    status.value
    for status in (TenderStatus.DELETED, TenderStatus.WITHDRAWN, TenderStatus.UNSUCCESSFUL, TenderStatus.CANCELLED)
]
GAPS = {"code": "4ph2-0000-0000-0000"}
MOST_GRADE, MOST_WORDS = 6.0, 25
"""As for a patient's pages (tests/web/test_reading_age.py)."""
VARIED = {
    "FORGOTTEN": ["password_forgotten"],
    "f'tender_{status.value}'": [f"tender_{end}" for end in ENDS],
    "f'objection_{decision.value}'": [f"objection_{decision.value}" for decision in Decision],
    "f'match_{match.status.value}'": ["match_accepted", "match_declined"],
    "f'contract_{event}'": [f"contract_{end.value}" for end in (ContractStatus.COMPLETED, ContractStatus.ENDED)],
}
"""What the templates that are put together in the code can come to."""


def told() -> set[str]:
    """The template of every call of `tell` in the journey."""
    found: set[str] = set()
    for path in JOURNEY.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "tell":
                template = node.args[3]
                if isinstance(template, ast.Constant):
                    found.add(template.value)
                else:
                    found.update(VARIED[ast.unparse(template)])
    return found


def test_every_message_has_a_text() -> None:
    """Nothing is told without words for it, and there are no words that nothing tells."""
    assert len(told()) > 30
    assert told() == post.templates()


@pytest.mark.parametrize("template", sorted(post.templates()))
def test_no_word_about_health(template: str) -> None:
    """Subject and text name no service and no condition; the link is there, and every gap is filled."""
    words = post.text_of(template)
    letter = post.letter(words, SERVER, to="somebody@example.test", key="m.u", at=None, **GAPS)  # type: ignore[arg-type]
    assert 0 < len(words.subject) <= 60
    assert "https://carepool.example/" in letter.text
    assert "$" not in letter.text
    assert not HEALTH_WORDS.search(f"{words.subject}\n{letter.text}")


def test_letters_are_read_at_nine_to_eleven(record_property: Callable[[str, object], None]) -> None:
    """Each letter by itself, frame and all: its grade, and no sentence longer than on a page."""
    hard, hardest = [], (0.0, "")
    for template in sorted(post.templates()):
        words = post.text_of(template)
        letter = post.letter(words, SERVER, to="somebody@example.test", key="m.u", at=None, **GAPS)  # type: ignore[arg-type]
        paragraphs = "".join(f"<p>{paragraph}</p>" for paragraph in letter.text.split("\n\n"))
        sentences = sentences_of(f"<main><p>{words.subject}</p>{paragraphs}</main>")
        grade, longest = grade_of(sentences), max(sentences, key=len)
        if grade > MOST_GRADE or len(longest) > MOST_WORDS:
            hard.append(f"{template}: grade {grade:.1f}; longest, of {len(longest)} words: {' '.join(longest)}")
        hardest = max(hardest, (grade, template))
    told = f"{len(post.templates())} letters; the hardest, {hardest[1]}, grade {hardest[0]:.1f}"
    record_property("reading", told)
    assert not hard, "\n".join(hard)


def test_the_list_of_words_would_notice() -> None:
    """Every service of the catalogue and every condition of the registers is on the list."""
    for service in services().values():
        assert HEALTH_WORDS.search(f"A match for {service.name}"), service.name
    assert re.search(HEALTH_WORDS, "your Asthma")
