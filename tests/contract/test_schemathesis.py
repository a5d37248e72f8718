"""Whatever the OpenAPI document allows is answered as it says: made-up requests for every operation but streams."""

import asyncio
import itertools
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    missing_required_header,
    response_schema_conformance,
    status_code_conformance,
)

from hub.api.app import ROUTES
from hub.api.http import openapi
from hub.outbound import Guard
from hub.processes.embedded import Server
from tests.conftest import cloned, small
from tests.contract.town import Town, town

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
    missing_required_header,
]
# Bodies of hundreds of fields: every limit of every field would take longer than all the rest.
LARGE = ["gateways_create", "gateways_edit", "clients_create", "clients_edit", "integrations_edit"]
CONFIG = SchemathesisConfig.from_dict(
    {
        "seed": 65,
        "generation": {"max-examples": 5, "deterministic": True, "no-shrink": True, "with-security-parameters": False},
        "phases": {
            "coverage": {"unexpected-methods": [], "extra-data-sources": {"responses": False}},
            "fuzzing": {"extra-data-sources": {"responses": False}, "error-feedback": {"enabled": False}},
        },
        "operations": [
            {
                "include-operation-id": LARGE,
                "generation": {"max-examples": 30},
                "phases": {"coverage": {"enabled": False}},
            }
        ],
    }
)
PEERS = itertools.count()


def document() -> dict[str, Any]:
    """Without streams, and without second spellings of paths."""
    found = openapi.document(ROUTES, "http://hub.test")
    for path, methods in list(found["paths"].items()):
        found["paths"][path] = {m: op for m, op in methods.items() if "x-alias" not in op and not _streams(op)}
    return found


def _streams(op: dict[str, Any]) -> bool:
    return list(op["responses"].get("200", {}).get("content", {})) == ["text/event-stream"]


schema = schemathesis.openapi.from_dict(document(), config=CONFIG)


@pytest.fixture(scope="module")
def place(
    servers: tuple[Server, Server], sealing_key: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    with asyncio.Runner() as runner, pytest.MonkeyPatch.context() as patch:
        stays_on_the_machine(patch)
        clone = cloned(servers[0])
        given = small(runner.run(clone.__aenter__()), servers[1].url, sealing_key, tmp_path_factory.mktemp("hub"))
        with town(given.changed(trusted_proxies="127.0.0.0/8")) as found:
            yield found
        runner.run(clone.__aexit__(None, None, None))


def stays_on_the_machine(patch: pytest.MonkeyPatch) -> None:
    """Addresses that are made up are never asked for: neither connections nor names leave the machine."""
    resolve = socket.getaddrinfo

    def local(host: Any, *more: Any, **options: Any) -> Any:
        if host not in ("127.0.0.1", "localhost"):
            raise socket.gaierror(socket.EAI_NONAME, "there is no internet in tests")
        return resolve(host, *more, **options)

    patch.setattr(socket, "getaddrinfo", local)
    patch.setattr(Guard, "permits", lambda self, ip: ip.is_loopback)


@schema.parametrize()
@settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_it_is_answered_as_described(case: schemathesis.Case[Any], place: Town) -> None:
    here = place.settlers(case.operation.label)
    case.path_parameters = here.path(case.path, dict(case.path_parameters or {}))
    if case.operation.definition.raw.get("x-document-id") == "A-02" and isinstance(case.body, dict):
        case.body |= {"model": "@hub/extractive", "stream": False}
    # As many visitors as requests, so that none asks too often.
    headers = {"X-Forwarded-For": f"10.0.{next(PEERS) % 250}.{next(PEERS) % 250}"}
    if not case.path.startswith("/api/v1/public/"):
        headers["Authorization"] = f"Bearer {here.key}"
    case.call_and_validate(base_url=place.url, headers=headers, checks=CHECKS)
