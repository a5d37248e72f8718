"""Skills over HTTP: kept, changed, imported and exported."""

import io
from uuid import UUID, uuid4

import aiohttp
import orjson

from hub.accounts import skills as service
from tests.api.conftest import Api, Json

BASE = "/api/v1/skills"
TOKEN = "Bearer abcdefghijklmnop-1234"
SOURCE: Json = {"name": "Rules", "url": "https://docs.example/rules.txt", "headers": {"Authorization": TOKEN}}
SKILL: Json = {
    "slug": "Refunds", "description": "How refunds work", "instructions": "Ask for the order number.",
    "options": {"instructionSources": [SOURCE], "allowedToolsNames": ["web_search", "order_lookup"]},
}


async def made(api: Api, **other: object) -> str:
    return str((await api.ok("POST", BASE, {**SKILL, **other}))["data"]["id"])


async def imported(api: Api, *lines: bytes | Json, **more: object) -> Json:
    form = aiohttp.FormData()
    text = b"\n".join(line if isinstance(line, bytes) else orjson.dumps(line) for line in lines)
    form.add_field("skills", io.BytesIO(text), filename="skills.jsonl")
    done: Json = await api.ok("POST", BASE + "/management/import", data=form, **more)
    return done


async def exported(api: Api) -> list[Json]:
    got = await api.call("GET", BASE + "/management/export.jsonl")
    assert got.status == 200 and got.headers["Content-Type"].startswith("application/jsonl")
    return [orjson.loads(line) for line in got.body.splitlines()]


async def test_a_skill_is_made_listed_shown_and_removed(api: Api) -> None:
    created = await api.ok("POST", BASE, SKILL)
    assert created["message"] == "Skill created successfully."
    id = created["data"]["id"]
    [line] = await api.ok("GET", BASE)
    assert line == {
        "id": id, "createdAt": line["createdAt"], "slug": "Refunds", "description": "How refunds work",
        "allowedToolsCount": 2,
    }
    shown = await api.ok("GET", f"{BASE}/{id}")
    assert shown["instructions"] == SKILL["instructions"] and shown["options"]["allowedToolsNames"][1] == "order_lookup"
    [source] = shown["options"]["instructionSources"]
    assert source == {**SOURCE, "description": None, "headers": {"Authorization": "***1234"}, "cacheDuration": 600}
    assert (await api.ok("DELETE", f"{BASE}/{id}"))["message"] == "Skill deleted successfully."
    assert (await api.call("GET", f"{BASE}/{id}")).status == 404
    assert await api.ok("GET", BASE) == []


async def test_the_envelope_is_put_around_once(api: Api) -> None:
    got = await api.ok("POST", BASE, SKILL, headers={"X-Response-Envelope": "true"})
    assert set(got) == {"message", "data"} and set(got["data"]) == {"id"}


async def test_header_values_are_sealed_at_rest(api: Api) -> None:
    id = await made(api)
    row = await api.hub.db.row("select options::text as open, secrets from skills")
    assert row is not None and "abcdefgh" not in row["open"] and b"abcdefgh" not in row["secrets"]
    found = await service.get(api.hub.db, api.hub.sealer, api.account, UUID(id))
    assert found.options["instructionSources"][0]["headers"] == {"Authorization": TOKEN}


async def headers(api: Api, id: str) -> list[Json]:
    found = await service.get(api.hub.db, api.hub.sealer, api.account, UUID(id))
    return [s["headers"] for s in found.options["instructionSources"]]


async def test_an_edit_changes_only_what_is_sent(api: Api) -> None:
    id = await made(api)
    assert (await api.ok("PUT", f"{BASE}/{id}", {"options": {"allowedToolsNames": []}}))["message"] == (
        "Skill updated successfully."
    )
    shown = await api.ok("GET", f"{BASE}/{id}")
    assert shown["slug"] == "Refunds" and shown["description"] == "How refunds work"
    assert shown["options"]["allowedToolsNames"] == [] and len(shown["options"]["instructionSources"]) == 1
    assert await headers(api, id) == [{"Authorization": TOKEN}]
    await api.ok("PUT", f"{BASE}/{id}", {"slug": "refunds", "description": None, "instructions": "New."})
    shown = await api.ok("GET", f"{BASE}/{id}")
    assert (shown["slug"], shown["description"], shown["instructions"]) == ("refunds", None, "New.")


async def test_a_mask_that_comes_back_keeps_the_value_for_its_host(api: Api) -> None:
    id = await made(api)
    options = (await api.ok("GET", f"{BASE}/{id}"))["options"]
    options["instructionSources"][0]["url"] = "https://docs.example/other.txt"
    await api.ok("PUT", f"{BASE}/{id}", {"options": options})
    assert await headers(api, id) == [{"Authorization": TOKEN}]
    options["instructionSources"][0]["url"] = "https://thief.example/rules.txt"
    got = await api.call("PUT", f"{BASE}/{id}", {"options": options})
    assert got.status == 400 and "options.instructionSources.0.headers.Authorization is a mask" in got.said
    assert (await api.call("POST", BASE, {**SKILL, "slug": "b", "options": options})).status == 400


WRONG: list[tuple[Json, str]] = [
    ({"instructions": "x"}, "slug is missing"),
    ({"slug": "a"}, "instructions is missing"),
    ({"slug": "has space", "instructions": "x"}, "slug"),
    ({"slug": "a" * 65, "instructions": "x"}, "slug"),
    ({"slug": "a\n", "instructions": "x"}, "slug"),
    ({"slug": "a", "instructions": " \n"}, "instructions must not be empty"),
    ({"slug": "a", "instructions": "x", "options": {"allowedToolsNames": "web"}}, "options.allowedToolsNames"),
    (
        {"slug": "a", "instructions": "x", "options": {"instructionSources": [{"name": "n", "url": "ftp://x"}]}},
        "options.instructionSources.0.url",
    ),
    (
        {"slug": "a", "instructions": "x", "options": {"instructionSources": [{"name": "n", "url": "http://10.1.2.3"}]}},
        "options.instructionSources.0.url is a private address",
    ),
]


async def test_what_cannot_be_kept_is_named(api: Api) -> None:
    for sent, words in WRONG:
        got = await api.call("POST", BASE, sent)
        assert got.status == 400 and words in got.said, got.body
    assert await api.ok("GET", BASE) == []


async def test_a_slug_names_one_skill_in_whatever_case(api: Api) -> None:
    await made(api)
    other = await made(api, slug="other")
    for got in (
        await api.call("POST", BASE, {**SKILL, "slug": "REFUNDS"}),
        await api.call("PUT", f"{BASE}/{other}", {"slug": "refunds"}),
    ):
        assert got.status == 400 and got.said.startswith("slug '")
    assert (await api.call("POST", BASE, SKILL, key=api.foreign)).status == 200


async def test_an_edit_cannot_empty_what_is_needed(api: Api) -> None:
    id = await made(api)
    before = await api.ok("GET", f"{BASE}/{id}")
    wrongs: tuple[Json, ...] = ({"instructions": ""}, {"options": []})
    for wrong in wrongs:
        assert (await api.call("PUT", f"{BASE}/{id}", wrong)).status == 400
    # Null stands for what is not sent.
    await api.ok("PUT", f"{BASE}/{id}", {"slug": None, "instructions": None})
    assert await api.ok("GET", f"{BASE}/{id}") == before


async def test_other_accounts_see_nothing(api: Api) -> None:
    id = await made(api)
    for method, sent in (("GET", None), ("PUT", {"slug": "x"}), ("DELETE", None)):
        assert (await api.call(method, f"{BASE}/{id}", sent, key=api.foreign)).status == 404
    assert await api.ok("GET", BASE, key=api.foreign) == []
    await api.ok("DELETE", BASE + "/management/clear", key=api.foreign)
    assert len(await api.ok("GET", BASE)) == 1
    assert (await api.ok("DELETE", BASE + "/management/clear"))["message"] == "Skills cleared successfully."
    assert await api.ok("GET", BASE) == []


async def test_lines_create_and_update_and_bad_ones_are_named(api: Api) -> None:
    await made(api)
    done = await imported(
        api,
        b'\xef\xbb\xbf{"slug":"REFUNDS","instructions":"Second."}', b"", b"{", {"slug": "x"},
        {"slug": "new", "instructions": "N", "description": "d"},
        {"slug": "New", "instructions": "N2", "options": {"allowedToolsNames": ["t"]}},
        {"slug": "no", "instructions": "N", "options": {"instructionSources": [{"name": "a", "url": "http://10.0.0.1"}]}},
        b'{"slug":"long","instructions":"' + b"x" * (1 << 20) + b'"}',
    )
    assert (done["enqueued"], done["skipped"]) == (3, 4)
    assert [e["line"] for e in done["errors"]] == [3, 4, 7, 8]
    assert "instructions is missing" in done["errors"][1]["error"] and "private" in done["errors"][2]["error"]
    kept = {s["slug"]: s for s in await exported(api)}
    assert set(kept) == {"Refunds", "new"}
    assert kept["Refunds"]["instructions"] == "Second." and kept["Refunds"]["description"] is None
    assert kept["Refunds"]["options"]["allowedToolsNames"] == ["web_search", "order_lookup"]
    assert kept["new"] == {
        "slug": "new", "description": None, "instructions": "N2",
        "options": {"instructionSources": [], "allowedToolsNames": ["t"]},
    }


async def test_an_export_imports_again(api: Api) -> None:
    id = await made(api)
    for n in range(105):
        await made(api, slug=f"s{n}", options={})
    lines = await exported(api)
    assert len(lines) == 106 and "abcdefgh" not in str(lines)
    done = await imported(api, *lines)
    assert done == {"enqueued": 106, "skipped": 0, "errors": []}
    assert await headers(api, id) == [{"Authorization": TOKEN}] and await exported(api) == lines
    # Elsewhere the value is unknown: the skill comes without the header, and the answer says so.
    done = await imported(api, *lines, key=api.foreign)
    assert done["enqueued"] == 106 and [e["line"] for e in done["errors"]] == [1]
    assert "headers.Authorization was a mask and is left out" in done["errors"][0]["error"]


async def test_the_file_is_asked_for_by_its_name(api: Api) -> None:
    form = aiohttp.FormData()
    form.add_field("file", b"{}", filename="x")
    got = await api.call("POST", BASE + "/management/import", data=form)
    assert got.status == 400 and got.said.startswith("skills is missing")


async def test_a_gateway_takes_only_skills_of_its_account(api: Api) -> None:
    mine, theirs = await made(api), (await api.ok("POST", BASE, SKILL, key=api.foreign))["data"]["id"]
    id = await api.gateway(skills=[mine])
    for foreign in (theirs, str(uuid4())):
        sent = {"parameters": {"skills": [mine, foreign]}}
        got = await api.call("PATCH", f"/api/v1/ai-gateways/{id}", sent)
        assert got.status == 400 and f"parameters.skills names {foreign}" in got.said
    await api.ok("DELETE", f"{BASE}/{mine}")
    await api.ok("PATCH", f"/api/v1/ai-gateways/{id}", {"parameters": {"temperature": 0.5}})
