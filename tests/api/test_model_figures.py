"""Figures of models at /metrics: what was asked, what it took, and no more series than the operator wants."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from hub.chat.inbound.intake import Intake
from hub.config import Settings
from hub.processes.embedded import free_port
from hub.processes.metrics import serve_metrics, web_metrics
from tests.api.door import Door, opened
from tests.api.test_catalogue_models import FILE
from tests.fakes.model import FakeModel, refuses, serve

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
async def upstream() -> AsyncIterator[FakeModel]:
    async with serve() as model:
        yield model


@pytest.fixture
async def door(settings: Settings, upstream: FakeModel, tmp_path: Path) -> AsyncIterator[Door]:
    path = tmp_path / "models.toml"
    path.write_text(FILE.format(url=upstream.url))
    more = {
        "catalogue": str(path), "model_keys": SecretStr("acme=sk-of-the-operator"),
        "metrics_models": "known-1, known-2", "metrics_port": free_port(),
    }
    async with opened(settings.changed(**more)) as one:
        yield one


async def read(door: Door) -> Series:
    """What Prometheus reads."""
    hub = door.hub
    intake = Intake(hub.db, hub.queue)
    async with serve_metrics(hub.settings, lambda: web_metrics(hub, intake)):
        async with door.http.get(f"http://127.0.0.1:{hub.settings.metrics_port}/metrics") as got:
            text = await got.text()
    await intake.close()
    found = [s for family in text_string_to_metric_families(text) for s in family.samples]
    return {(s.name, frozenset(s.labels.items())): s.value for s in found}


def value(series: Series, name: str, **labels: str) -> float:
    return series.get((f"hub_model_{name}", frozenset(labels.items())), 0.0)


async def test_what_models_are_asked_and_what_it_takes(door: Door, upstream: FakeModel) -> None:
    await door.asked(model="@acme/big")
    await door.asked(model="@acme/big")
    upstream.plan.append(refuses(401))
    async with door.post(model="@acme/plain") as got:
        assert got.status == 502
    found = await read(door)
    assert value(found, "requests_total", model="@acme/big", outcome="answered") == 2
    assert value(found, "requests_total", model="@acme/plain", outcome="failed") == 1
    assert value(found, "errors_total", model="@acme/plain", kind="401") == 1
    tokens = {kind: value(found, "tokens_total", model="@acme/big", kind=kind) for kind in ("in", "cached", "out")}
    assert tokens == {"in": 16, "cached": 8, "out": 10}
    assert value(found, "cache_hits_total", model="@acme/big") == 2
    assert value(found, "cost_dollars_total", model="@acme/big") == pytest.approx(2 * (8 * 2e-6 + 5e-5 + 4 * 5e-7))
    assert value(found, "first_token_seconds_count", model="@acme/big") == 2
    # What there was before is there still.
    assert ("hub_pool_size", frozenset()) in found


async def test_a_fallback_counts_as_one(door: Door) -> None:
    door.model.plan.append(refuses(401))
    got = await door.asked(parameters={"modelName": "known-1", "fallbackModels": [{"modelName": "known-2"}]})
    assert got["model"] == "known-2"
    found = await read(door)
    assert [value(found, "fallbacks_total", model=m) for m in ("known-1", "known-2")] == [0, 1]
    assert value(found, "requests_total", model="known-1", outcome="failed") == 1


async def test_a_customer_makes_no_series(door: Door) -> None:
    """However many names are made up, they are one."""
    before = len(await read(door))
    for n in range(12):
        await door.asked(parameters={"modelName": f"made-up-{n}"})
        door.model.plan.append(refuses(400, code=f"invented_{n}"))
        async with door.post(model=await door.gateway(modelName=f"wrong-{n}")) as got:
            assert got.status == 400
    found = await read(door)
    models = {dict(labels).get("model") for name, labels in found if name.startswith("hub_model_")} - {None}
    assert models == {"own"} and value(found, "requests_total", model="own", outcome="answered") == 12
    assert value(found, "errors_total", model="own", kind="4xx") == 12
    assert len(found) - before < 60

