"""Whatever the OpenAPI document allows is answered as it says: made-up requests for every operation but streams.

By schemathesis's own engine: its pytest items all have the same name, and of those pytest-xdist runs one.
"""

import asyncio
import itertools
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from schemathesis import engine
from schemathesis.config import SchemathesisConfig
from schemathesis.engine.events import EngineEvent, EngineFinished, NonFatalError, ScenarioFinished

from hub.api.app import ROUTES
from hub.api.http import openapi
from hub.guarded_http import Guard
from hub.processes.embedded import Server
from tests.conftest import cloned, small
from tests.contract.proportion import Proportion
from tests.contract.town import Town, town

CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "missing_required_header",
)
# Bodies of hundreds of fields: every limit of every field would take longer than all the rest.
LARGE = ["gateways_create", "gateways_edit", "clients_create", "clients_edit", "integrations_edit"]
INFERENCE = ("/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages", "/v1/messages/count_tokens")
# A pattern beside a longer limit is made into one with as many repetitions: a second to compile, each time. Up to here
# that is quick, and a pattern apart is what is slow: minutes for a required text of 20,000.
LONG = 50_000
NO_MEMORY = {"extra-data-sources": {"responses": False}}
CONFIG = {
    "seed": 65,
    # How fast cases are made says how busy the machine is.
    "suppress-health-check": ["too_slow"],
    "generation": {"max-examples": 3, "deterministic": True, "no-shrink": True, "with-security-parameters": False},
    "checks": {"enabled": False} | {name: {"enabled": True} for name in CHECKS},
    "phases": {
        # They were recorded in other tests, with ids of other accounts; test_examples holds them against their forms.
        "examples": {"enabled": False},
        "coverage": {"unexpected-methods": [], **NO_MEMORY},
        "fuzzing": {"error-feedback": {"enabled": False}, **NO_MEMORY},
        "stateful": {"enabled": False},
    },
    "operations": [
        {
            "include-operation-id": LARGE,
            "generation": {"max-examples": 20},
            "phases": {"coverage": {"enabled": False}},
        },
        # Without a body there is nothing to combine: every limit of every parameter is in the coverage already, and
        # what is made up is, by the seed, the same each time.
        {"include-method": ["GET", "DELETE"], "phases": {"fuzzing": {"enabled": False}}},
    ],
}


def document() -> dict[str, Any]:
    """Without streams, and without second spellings of paths."""
    found = openapi.document(ROUTES, "http://hub.test")
    for path, methods in list(found["paths"].items()):
        found["paths"][path] = {m: op for m, op in methods.items() if "x-alias" not in op and not _streams(op)}
    for model in found["components"]["schemas"].values():
        for field in model.get("properties", {}).values():
            if field.get("maxLength", 0) > LONG and "pattern" in field:
                field["allOf"] = [{"pattern": field.pop("pattern")}]
    return found


def _streams(op: dict[str, Any]) -> bool:
    return list(op["responses"].get("200", {}).get("content", {})) == ["text/event-stream"]


@pytest.fixture(scope="module")
def place(
    servers: tuple[Server, Server], sealing_key: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    with asyncio.Runner() as runner, pytest.MonkeyPatch.context() as patch:
        stays_on_the_machine(patch)
        clone = cloned(servers[0])
        given = small(runner.run(clone.__aenter__()), servers[1].url, sealing_key, tmp_path_factory.mktemp("hub"))
        given = given.changed(trusted_proxies="127.0.0.0/8", ares_per_minute=0, characters_pro=0)
        with town(given) as found:
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
    # Nor is the machine asked for each of thousands of requests who is to carry it there.
    patch.setattr(requests.sessions, "get_environ_proxies", lambda *_, **__: {})
    patch.setattr(requests.sessions, "get_netrc_auth", lambda *_, **__: None)
    patch.setattr(Guard, "permits", lambda self, ip: ip.is_loopback)


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document()


@pytest.fixture(autouse=True)
def requests_of_an_account(place: Town, described: dict[str, Any]) -> Iterator[None]:
    """Every request has the key, and often the ids, of an account that has everything."""
    peers = itertools.count()

    def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
        here = place.settlers(case.operation.label)
        case.path_parameters = here.path(case.path, dict(case.path_parameters or {}))
        # As many visitors as requests, so that none asks too often.
        case.headers["X-Forwarded-For"] = f"10.0.{next(peers) % 250}.{next(peers) % 250}"
        if not case.path.startswith("/api/v1/public/"):
            jwt = {"user": []} in case.operation.definition.raw["security"]
            case.headers["Authorization"] = f"Bearer {here.token if jwt else here.key}"
        if case.path in INFERENCE and isinstance(case.body, dict):
            case.body |= {"model": "@hub/extractive", "stream": False}
        if case.operation.definition.raw.get("x-family") == "characters" and isinstance(case.body, dict):
            case.body = here.body(case.body)

    def after_call(context: Any, case: Any, response: Any) -> None:
        if case.method == "DELETE" and response.status_code < 300:
            place.spent = True

    proportion = Proportion(described["components"]["schemas"])

    def filter_case(context: Any, case: Any) -> bool:
        return proportion.wants(case)

    hooks = (before_call, after_call, filter_case)
    for hook in hooks:
        schemathesis.hook(hook)
    yield
    for hook in hooks:
        schemathesis.hooks.unregister(hook)


# The hub of this process has chances of its own while cases are made.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning")
@pytest.mark.timeout(1200)  # a minute or two where nothing else runs
def test_it_is_answered_as_described(place: Town, described: dict[str, Any]) -> None:
    config = SchemathesisConfig.from_dict({**CONFIG, "base-url": place.url})
    schema = schemathesis.openapi.from_dict(described, config=config)
    events = list(engine.from_schema(schema).execute())
    assert [failure for event in events for failure in failures(event)] == []
    last = events[-1]
    assert isinstance(last, EngineFinished) and last.stop_reason == engine.StopReason.COMPLETED
    asked = {event.recorder.label for event in events if isinstance(event, ScenarioFinished) and event.recorder.cases}
    assert asked == {f"{method.upper()} {path}" for path, methods in described["paths"].items() for method in methods}


def failures(event: EngineEvent) -> Iterator[str]:
    """What was answered otherwise than described, and how to ask for it again."""
    if isinstance(event, NonFatalError):
        yield f"{event.label}: {event.info.message}"
    if isinstance(event, ScenarioFinished):
        for check in itertools.chain.from_iterable(event.recorder.checks.values()):
            if check.failure_info is not None:
                told = check.failure_info
                yield f"{event.recorder.label}: {told.failure}\n{told.code_sample[:1500]}"
