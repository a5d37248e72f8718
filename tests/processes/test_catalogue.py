"""`hub catalogue check` over providers that answer, answer otherwise, and do not."""

from datetime import date
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from hub.config import Settings
from hub.llm import catalogue
from hub.processes.catalogue import check

MINE = """
[providers]
one = {{ address = "{url}/one/v1" }}
two = {{ address = "{url}/two/v1" }}
three = {{ address = "{url}/three/v1" }}
[models."@one/big"]
provider = "one"
name = "big-1"
checked = 2026-11-29
retires = 2020-01-01
[models."@one/old"]
provider = "one"
name = "old-1"
[models."@two/small"]
provider = "two"
name = "small"
[models."@three/unseen"]
provider = "three"
name = "unseen"
"""


async def test_what_providers_offer(settings: Settings, tmp_path: Path) -> None:
    asked: list[tuple[str, str]] = []

    async def models(request: web.Request) -> web.Response:
        asked.append((request.path, request.headers.get("Authorization", "")))
        if "two" in request.path:
            return web.Response(status=401)
        named: list[dict[str, Any]] = [{"id": "big-1"}, {"name": "models/new-2"}]
        return web.json_response({"data": named})

    app = web.Application()
    app.router.add_get("/{provider}/v1/models", models)
    async with TestServer(app) as server:
        path = tmp_path / "models.toml"
        path.write_text(MINE.format(url=str(server.make_url("")).rstrip("/")))
        said: list[str] = []
        changed = settings.changed(catalogue=str(path), model_keys=SecretStr("one=k1,two=k2"))
        assert await check(changed, said.append) == 2
    assert asked == [("/one/v1/models", "Bearer k1"), ("/two/v1/models", "Bearer k2")]
    text = "\n".join(said)
    assert "one: 1 of 2 models are offered" in text and "missing at the provider: @one/old" in text
    assert "not in the catalogue: new-2" in text and "@one/big retires on 2020-01-01" in text
    assert "two: its models could not be read: it answered 401." in text and "three" not in text and "k2" not in text


async def test_without_a_provider_there_is_nothing_to_ask(settings: Settings) -> None:
    said: list[str] = []
    assert await check(settings.changed(model_keys=SecretStr("")), said.append) == 0
    assert said == ["No provider is configured; set HUB_MODEL_KEYS."]


def test_the_packaged_catalogue_is_large_and_dated() -> None:
    vendors = "openai google anthropic mistral deepseek groq xai moonshot zai cerebras together fireworks"
    vendors += " minimax perplexity"
    found = catalogue.load("", ",".join(f"{v}=k" for v in vendors.split())).models
    dated = [m for m in found.values() if m.checked]
    assert len(dated) >= 65 and {m.vendor for m in found.values()} == set(vendors.split())
    assert all(m.context >= 4096 and m.price.completion > 0 for m in dated)
    assert all(m.checked >= date(2026, 11, 1) for m in dated if m.checked)
    for m in found.values():
        assert not (m.retires and m.checked and m.retires < m.checked) or "Deprecated" in m.badges, m.id
