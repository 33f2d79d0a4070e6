"""The API keeps what its OpenAPI document says, whatever is sent: schemathesis makes up the requests.

Each case is sent twice where its address has ids: as made up, and with the ids of a tender that has come to contracts.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from sqlalchemy import select

from marketplace.records.contracts import Delivery
from marketplace.records.offers import Offer
from tests.api.conftest import close
from tests.api.programs import program_of
from tests.web.site import Site, build_site

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
]
CASES = 6
ALL_HEALTH = list(HealthCheck)
WHO = {"patient": "p1", "provider": "near", "broker": "broker", "commissioner": "funder"}
GENERATION = GenerationConfig(deterministic=True, no_shrink=True, with_security_parameters=False, database="none")


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A site with a tender that has come to contracts, a token for each role, and the ids of things."""
    site = build_site(tmp_path_factory.mktemp("contract"), patients=4, PROPAGATE_EXCEPTIONS=False)
    site.world.awarded().record(1)
    tokens = {role: str(program_of(site, f"{name}@example.test").token) for role, name in WHO.items()}
    yield {"site": site, "tokens": tokens, "ids": ids_of(site)}
    close(site)


@pytest.fixture(scope="module")
def document(asked: dict[str, Any]) -> BaseSchema:
    """The API as schemathesis reads it."""
    config = SchemathesisConfig(projects=ProjectsConfig(default=ProjectConfig(generation=GENERATION)))
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", asked["site"].app, config=config)


def ids_of(site: Site) -> dict[str, str]:
    """The ids of things of the world, by the names that addresses have for them."""
    world = site.world
    offers = select(Offer).where(Offer.provider_id == world.providers["near"].id)
    return {
        "tender_id": world.tender.id,
        "lot_id": world.bundle.id,
        "invitation_id": world.need(1).id,
        "match_id": world.match(1).id,
        "contract_id": world.contract(1).id,
        "delivery_id": world.session.scalars(select(Delivery)).one().id,
        "budget_id": world.budget(1).id,
        "patient_id": world.patients[0].id,
        "offer_id": world.session.scalars(offers).first().id,
        "run_id": "0" * 16,
    }


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_what_is_written_down_holds(document: BaseSchema, asked: dict[str, Any], mode: GenerationMode) -> None:
    """No fault of ours, no status and no document that is not written down, no wrong document taken."""
    came: Counter[int] = Counter()
    for operation in [found.ok() for found in document.get_all_operations()]:
        if mode is GenerationMode.NEGATIVE and not (operation.body or operation.query):
            continue  # there is nothing in it that could be wrong

        @settings(max_examples=CASES, deadline=None, derandomize=True, database=None, suppress_health_check=ALL_HEALTH)
        @given(case=operation.as_strategy(generation_mode=mode))
        def hold(case: Case) -> None:
            came.update(check(case, asked))

        hold()
    right = sum(count for status, count in came.items() if status < 300)
    wrong = sum(count for status, count in came.items() if status in (400, 422))
    assert (right if mode is GenerationMode.POSITIVE else wrong) > 50, came  # they were looked at, not shut out


def check(case: Case, asked: dict[str, Any]) -> list[int]:
    """Send one case as whoever may, as made up and with real ids; look at the answers, return their statuses."""
    who = case.operation.definition.raw.get("x-who", [])
    role = next((role for role in WHO if role in who), None)
    headers = {"Authorization": f"Bearer {asked['tokens'][role]}"} if role else {}
    came = [case.call_and_validate(headers=headers, checks=CHECKS).status_code]
    if case.path_parameters:
        case.path_parameters = {name: asked["ids"][name] for name in case.path_parameters}
        came.append(case.call_and_validate(headers=headers, checks=CHECKS).status_code)
    return came


def test_the_document_is_not_small(document: BaseSchema) -> None:
    """The test above is about every operation, not about none."""
    assert len(list(document.get_all_operations())) > 60
