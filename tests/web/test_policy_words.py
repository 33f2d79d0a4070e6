"""A policy in words: what each change of it changes, and what wins under it."""

import pytest

from marketplace.queries.policy_words import changes
from marketplace.rules.sharing import Pooling
from marketplace.rules.tendering import Policy, policy_document
from tests.web.site import Site
from tests.web.test_group_pages import told


def test_every_change_of_the_rules_has_its_words() -> None:
    """Weights, pooling and times; rules that stay are not told."""
    old = policy_document(Policy(pence_per_km=30))
    new = policy_document(
        Policy(
            pence_per_wait_day=5,
            pence_per_change=2_000,
            minimum_offers=2,
            review_within_days=30,
            pooling=Pooling.SHARED_POOL,
        )
    )
    assert changes(old, old, "session") == []
    assert changes(old, new, "session") == [
        "Before, each kilometre nearer counted like £0.30 per session. Now it does not count.",
        "Before, each day less to wait did not count. Now it counts like £0.05.",
        "Before, keeping your own provider did not count. Now it counts like £20.00.",
        "Now people in the group help to pay for each other.",
        "At least 2 providers must make an offer now. It was 1 before.",
        "The broker's own time limits have changed.",
    ]


@pytest.mark.parametrize(
    ("policy", "wins"),
    [
        (Policy(), "the lowest price wins"),
        (Policy(pence_per_wait_day=50), "the best mix of price and waiting wins"),
        (Policy(pence_per_quality_grade=300, pence_per_km=30), "the best mix of price, quality and distance wins"),
    ],
)
def test_what_wins_names_all_that_the_policy_counts_and_nothing_else(site: Site, policy: Policy, wins: str) -> None:
    site.world.draft(policy)
    assert all(wins in page for page in told(site))
