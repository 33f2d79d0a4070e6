"""How hard a page is to read: `sentences_of` takes what a person reads in its main part, `grade_of` grades it.

The formula is the Flesch-Kincaid grade level: 0.39 words a sentence + 11.8 syllables a word - 15.59 (J. P. Kincaid,
R. P. Fishburne, R. L. Rogers, B. S. Chissom, "Derivation of new readability formulas", US Naval Air Station Memphis,
1975). A grade is a school year in the United States: five added, it is about the reader's age, so that grades 4 to 6
are ages 9 to 11. Syllables are counted by the rules of the library ``readability`` (Andreas van Cranenburgh).
"""

import re
from html.parser import HTMLParser

import readability

WITHIN = frozenset({"a", "abbr", "b", "em", "i", "span", "strong"})
"""Elements within a sentence; every other one ends it."""
UNREAD = frozenset({"svg", "script", "style", "select", "textarea", "code"})
"""What nobody reads as words: a line of code or a hash is copied."""
LEAST_WORDS = 4
"""A block of fewer words is a label and no sentence: it would make every page look easy."""
_TOKEN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_END = re.compile(r"(?<=[.!?:;])\s+")


class _Text(HTMLParser):
    """Collects the blocks of text of a page's main part."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[str] = [""]
        self.inside = 0
        self.unread = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "main":
            self.inside += 1
        elif tag in UNREAD:
            self.unread += 1
        if tag not in WITHIN:
            self.blocks.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "main":
            self.inside -= 1
        elif tag in UNREAD:
            self.unread -= 1
        if tag not in WITHIN:
            self.blocks.append("")

    def handle_data(self, data: str) -> None:
        if self.inside and not self.unread:
            self.blocks[-1] += data


def sentences_of(html: str) -> list[list[str]]:
    """The sentences of a page's main part, each as its words; numbers and amounts are not words."""
    parser = _Text()
    parser.feed(html)
    sentences = [_TOKEN.findall(part) for block in parser.blocks for part in _END.split(" ".join(block.split()))]
    return [words for words in sentences if len(words) >= LEAST_WORDS]


def grade_of(sentences: list[list[str]]) -> float:
    """The Flesch-Kincaid grade of these sentences (Kincaid and others, 1975)."""
    text = "\n".join(" ".join(words) for words in sentences)
    measures = readability.getmeasures(text, lang="en")
    return float(measures["readability grades"]["Kincaid"])
