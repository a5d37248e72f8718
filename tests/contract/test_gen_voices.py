"""AresGen: voices (G-07 to G-09)."""

from typing import Any
from uuid import uuid4

import pytest

from tests.contract.asking import Contract

pytestmark = pytest.mark.asyncio(loop_scope="module")
Json = dict[str, Any]
SAMPLE = "We bake bread with care, and we love what we do. Our flour is local! " * 22
NOBODY = f"voc_{'0' * 26}"


@pytest.mark.row("G-07", "G-08", "G-09")
async def test_a_voice(api: Contract) -> None:
    banned = ["cheap", "CHEAP ", "low  cost"]
    sent = {"name": "Bakery", "sample": SAMPLE, "sliders": {"warmth": 90}, "banned_phrases": banned}
    made = await api.good("G-07", sent=sent)
    assert made["id"].startswith("voc_") and made["status"] == "ready"
    assert made["sliders"] == {
        "formality": 50, "warmth": 90, "humor": 50, "energy": 50, "authority": 50, "complexity": 50,
    }
    assert made["banned_phrases"] == ["CHEAP", "low cost"]
    assert made["profile"]["person"]["leading"] == "first_plural" and made["profile"]["language"] == "en"
    same = await api.good("G-07", sent={"name": "Again", "sample": SAMPLE})
    assert same["profile"] == made["profile"]
    got = await api.good("G-09", made["id"], sent={"sliders": {"humor": 10}, "name": "Oven"})
    assert (got["name"], got["sliders"]["humor"], got["sliders"]["warmth"]) == ("Oven", 10, 90)
    assert got["banned_phrases"] == ["CHEAP", "low cost"] and got["sample"] == SAMPLE
    other = "Hence the committee considered the aforementioned recommendations regarding infrastructure. " * 40
    got = await api.good("G-09", made["id"], sent={"sample": other, "banned_phrases": []})
    assert got["profile"]["formality"] > made["profile"]["formality"] and got["banned_phrases"] == []
    assert [v["id"] for v in (await api.good("G-08"))["data"]] == [same["id"], made["id"]]
    assert (await api.call("GET", f"/v1/voices/{made['id']}")).body == got
    assert (await api.call("DELETE", f"/v1/voices/{made['id']}", key=api.foreign)).status == 404
    assert (await api.call("DELETE", f"/v1/voices/{made['id']}")).status == 204
    await api.refused("G-09", 404, made["id"], sent={"name": "x"})
    await api.refused("G-09", 404, same["id"], sent={"name": "x"}, key=api.foreign)


async def test_what_a_voice_may_not_be(api: Contract) -> None:
    body = await api.refused("G-07", 422, sent={"name": "x", "sample": "word " * 299}, said="sample has 299 words")
    assert body["code"] == "sample_too_short" and body["details"][0]["pointer"] == "/sample"
    made = await api.good("G-07", sent={"name": "x", "sample": "word " * 300})
    await api.refused("G-09", 422, made["id"], sent={"sample": "too short"})
    for wrong in ({"warmth": 101}, {"warmth": -1}, {"warmth": "hot"}):
        await api.refused("G-09", 400, made["id"], sent={"sliders": wrong}, said="sliders.warmth")
    await api.refused("G-07", 400, sent={"sample": SAMPLE}, said="name is missing")
    await api.refused("G-07", 400, sent={"name": "x", "sample": SAMPLE, "banned_phrases": [" "]})
    await api.refused("G-09", 404, NOBODY, sent={"name": "x"})
    await api.refused("G-09", 404, uuid4(), sent={"name": "x"})
