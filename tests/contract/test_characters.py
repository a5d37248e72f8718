"""Characters: models, completions, conversations, agents, images (C-01 to C-12)."""

import re

import pytest

from hub.studio.characters import images
from tests.contract.asking import Contract, Json
from tests.fakes.model import says

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def llm(api: Contract) -> str:
    """The id of a gateway behind the fake model."""
    await api.modelled()
    return str((await api.good("C-01", query={"type": "llm"}))[0]["id"])


async def painter(api: Contract) -> str:
    return str((await api.good("C-01", query={"type": "sd"}))[-1]["id"])


@pytest.mark.row("C-01")
async def test_models(api: Contract) -> None:
    await api.modelled(contextMaximumSize=4000)
    first = await api.good("C-01", query={"type": "llm"})
    assert [m["name"] for m in first] == ["Shop bot", "@hub/extractive"]
    assert [m["max_context"] for m in first] == [4000, 8192] and first[0]["cost_per_1k_tokens"] == 0
    assert all(re.fullmatch(r"model_[0-9A-Za-z]{6,}", m["id"]) for m in first)
    assert await api.good("C-01", query={"type": "llm"}) == first
    [drawn] = await api.good("C-01", query={"type": "sd"})
    assert drawn["name"] == "placeholder" and re.fullmatch(r"sd_model_[0-9A-Za-z]{6,}", drawn["id"])
    await api.refused("C-01", 400, said="type is missing")
    await api.refused("C-01", 400, query={"type": "audio"}, said="type must be one of")


@pytest.mark.row("C-02")
async def test_completions(api: Contract) -> None:
    model = await llm(api)
    agent = (await api.good("C-09", sent={"name": "Rosa", "personality_prompt": "Very patient."}))["id"]
    talk = [{"role": "system", "content": "Be kind."}, {"role": "agent", "content": "Hi"}]
    sent = {"messages": [*talk, {"role": "user", "content": "Tell me about AI."}], "llm_id": model, "agent_id": agent}
    api.model.plan.append(says("<think>Hm.</think>", "AI is", " this."))
    said = await api.good("C-02", sent=sent)
    assert (said["content"], said["role"]) == ("AI is this.", "agent") and re.fullmatch(r"msg_\w{6,}", said["id"])
    asked = api.model.calls[-1].body["messages"]
    assert "You are Rosa." in str(asked[0]) and "Very patient." in str(asked[0])
    assert [m["role"] for m in asked[-2:]] == ["assistant", "user"]
    assert await api.good("C-03") == []
    for wrong, field in (
        ({"messages": []}, "messages"), ({"messages": [{"role": "user"}]}, "messages.0.content"),
        ({"messages": [{"role": "owner", "content": "x"}]}, "messages.0.role"), ({"llm_id": None}, "llm_id"),
    ):
        await api.refused("C-02", 400, sent={**sent, **wrong}, said=field)
    await api.refused("C-02", 404, sent={**sent, "llm_id": "model_000000"}, said="llm_id")
    await api.refused("C-02", 404, sent={**sent, "agent_id": "agent_000000"}, said="agent_id")


@pytest.mark.row("C-03", "C-04", "C-05", "C-06")
async def test_conversations(api: Contract) -> None:
    model = await llm(api)
    agent = (await api.good("C-09", sent={"name": "Rosa"}))["id"]
    past = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "How can I help?"}]
    sent = {
        "title": "New Discussion", "system_prompt": "You are a helpful assistant.", "llm_id": model, "agent_id": agent,
        "messages": past,
    }
    made = await api.good("C-04", sent=sent)
    assert {n: made[n] for n in sent if n != "messages"} == {n: v for n, v in sent.items() if n != "messages"}
    assert re.fullmatch(r"conv_[0-9A-Za-z]{6,}", made["id"])
    calls = len(api.model.calls)
    kept = await api.good("C-06", made["id"])
    assert [(m["role"], m["content"]) for m in kept] == [("user", "Hello"), ("agent", "How can I help?")]
    assert all(re.fullmatch(r"msg_[0-9A-Za-z]{6,}", m["id"]) for m in kept) and len(api.model.calls) == calls
    plain = await api.good("C-04", sent={"llm_id": model})
    assert (plain["title"], plain["system_prompt"], plain["agent_id"]) == ("New conversation", None, None)
    assert [c["id"] for c in await api.good("C-03")] == [plain["id"], made["id"]]
    assert await api.good("C-05", made["id"]) == made
    for row in ("C-05", "C-06"):
        await api.refused(row, 404, made["id"], key=api.foreign)
        await api.refused(row, 404, "conv_000000")
    await api.refused("C-04", 400, sent={}, said="llm_id is missing")
    await api.refused("C-04", 404, sent={"llm_id": "model_nobody"}, said="llm_id")
    await api.refused("C-04", 404, sent={"llm_id": model, "agent_id": "agent_1"}, said="agent_id")
    await api.refused("C-04", 404, sent={"llm_id": model}, key=api.foreign, said="llm_id")
    told = [{"role": "nobody", "content": "x"}]
    await api.refused("C-04", 400, sent={"llm_id": model, "messages": told}, said="messages.0.role")


@pytest.mark.row("C-07")
async def test_messages(api: Contract) -> None:
    model = await llm(api)
    agent = (await api.good("C-09", sent={"name": "Rosa", "description": "A gardener."}))["id"]
    id = (await api.good("C-04", sent={"llm_id": model, "agent_id": agent, "system_prompt": "Be kind."}))["id"]
    api.model.plan.append(says("<think>Roots?</think>", "They are", " models."))
    said = await api.good("C-07", id, sent={"content": "Tell me about neural networks."})
    assert (said["content"], said["role"]) == ("They are models.", "agent") and "thoughts" not in said
    system = str(api.model.calls[-1].body["messages"][0]["content"])
    assert system.index("Be kind.") < system.index("You are Rosa.") < system.index("A gardener.")
    api.model.plan.append(says("<think>Again?</think>Yes.", reasoning=""))
    verbose = await api.good("C-07", id, sent={"content": "Really?", "verbose": True})
    assert (verbose["content"], verbose["thoughts"]) == ("Yes.", "Again?")
    api.model.plan.append(says("Sure.", reasoning="Let me see."))
    assert (await api.good("C-07", id, sent={"content": "Sure?", "verbose": True}))["thoughts"] == "Let me see."
    kept = await api.good("C-06", id)
    assert [m["role"] for m in kept] == ["user", "agent"] * 3 and kept[1]["id"] == said["id"]
    assert "<think>" not in str(kept) and "Again?" not in str(kept)
    offline = (await api.good("C-01", query={"type": "llm"}))[-1]["id"]
    other = await api.good("C-07", id, sent={"content": "Hello", "llm_id": offline})
    assert other["content"].startswith("Hello!")
    await api.refused("C-07", 400, id, sent={}, said="content is missing")
    await api.refused("C-07", 404, id, sent={"content": "x"}, key=api.foreign)
    await api.refused("C-07", 404, id, sent={"content": "x", "llm_id": "model_0"}, said="llm_id")


async def test_replies_as_they_are_made(api: Contract) -> None:
    model = await llm(api)
    id = (await api.good("C-04", sent={"llm_id": model}))["id"]
    api.model.plan.append(says("<think>Hm", "</think>One", " two"))
    got = await api.row("C-07", id, sent={"content": "Count", "stream": True, "verbose": True})
    events = got.events()
    assert "".join(e.get("delta", "") for e in events[:-2]) == "One two"
    assert "".join(e.get("thoughts", "") for e in events[:-2]) == "Hm"
    assert (events[-2]["content"], events[-2]["thoughts"], events[-1]) == ("One two", "Hm", "[DONE]")
    assert (await api.good("C-06", id))[-1]["id"] == events[-2]["id"]
    sent = {"messages": [{"role": "user", "content": "Hi"}], "llm_id": model, "stream": True}
    assert (await api.row("C-02", sent=sent)).events()[-2]["content"] == "Hello from the model."


@pytest.mark.row("C-08", "C-09", "C-10")
async def test_agents(api: Contract) -> None:
    sent: Json = {
        "name": "Financial Advisor", "appearance_prompt": "Professional, suit and tie",
        "personality_prompt": "Knowledgeable about finance, patient",
        "description": "An agent specialized in financial advice", "sd_model_id": await painter(api), "age": 35,
    }
    made = await api.good("C-09", sent=sent)
    assert made["appearance_prompt"] == "35 years old, Professional, suit and tie" and "age" not in made
    assert re.fullmatch(r"agent_[0-9A-Za-z]{6,}", made["id"])
    picture = await api.call("GET", made["avatar_url"].removeprefix("https://hub.example"), key="")
    assert picture.headers["Content-Type"] == "image/png" and int(picture.headers["Content-Length"]) > 1000
    plain = await api.good("C-09", sent={"name": "Rosa"})
    assert plain == {
        "id": plain["id"], "name": "Rosa", "appearance_prompt": "", "personality_prompt": "", "description": ""
    }
    assert await api.good("C-08") == [made, plain] and await api.good("C-10", made["id"]) == made
    await api.refused("C-10", 404, made["id"], key=api.foreign)
    for wrong, field in (({"name": None}, "name"), ({"age": 17}, "age"), ({"age": "old"}, "age")):
        await api.refused("C-09", 400, sent={**sent, **wrong}, said=field)
    for looks in ("17 years old, tall", "a twelve-year-old", "Aged 9", "uma menina de 15 anos", "schoolgirl"):
        await api.refused("C-09", 400, sent={**sent, "appearance_prompt": looks}, said="appearance_prompt")
    await api.refused("C-09", 404, sent={**sent, "sd_model_id": "sd_model_0"}, said="sd_model_id")


@pytest.mark.row("C-11", "C-12")
async def test_images(api: Contract) -> None:
    drawn, model = await painter(api), await llm(api)
    talk = (await api.good("C-04", sent={"llm_id": model}))["id"]
    sent = {"prompt": "A serene beach at sunset with palm trees", "sd_model_id": drawn, "conversation_id": talk}
    first = await api.good("C-12", sent=sent)
    assert first["prompt"] == sent["prompt"] and re.fullmatch(r"img_[0-9A-Za-z]{6,}", first["id"])
    path = first["url"].removeprefix("https://hub.example")
    assert re.fullmatch(r"/media/[a-z0-9]{40,}", path)
    picture = await api.call("GET", path, key="")
    assert (picture.status, picture.headers["Content-Type"]) == (200, "image/png")
    [shown] = await api.good("C-06", talk)
    assert (shown["content"], shown["role"]) == ("", "agent")
    assert shown["image"] == {"id": first["id"], "url": first["url"], "prompt": first["prompt"]}
    await api.good("C-07", talk, sent={"content": "Nice!"})
    assert sent["prompt"] in str(api.model.calls[-1].body["messages"])
    ids = [first["id"]] + [(await api.good("C-12", sent={**sent, "prompt": f"Tree {n}"}))["id"] for n in range(4)]
    page: Json = await api.good("C-11", query={"page": 2, "page_size": 2})
    assert [i["id"] for i in page["data"]] == [ids[2], ids[1]]
    assert page["pagination"] == {
        "total_items": 5, "current_page": 2, "page_size": 2, "total_pages": 3, "next_page": 3, "prev_page": 1
    }
    ends = [(await api.good("C-11", query={"page": n, "page_size": 2}))["pagination"] for n in (1, 3, 9)]
    assert [(p["next_page"], p["prev_page"]) for p in ends] == [(2, None), (None, 2), (None, 3)]
    assert (await api.good("C-11"))["pagination"]["page_size"] == 10
    empty = await api.good("C-11", key=api.foreign)
    assert empty["data"] == [] and empty["pagination"]["total_pages"] == 0
    assert await api.ok("GET", f"/api/v1/images/{first['id']}") == first
    assert (await api.call("GET", f"/api/v1/images/{first['id']}", key=api.foreign)).status == 404
    for query, field in (({"page": 0}, "page"), ({"page_size": 101}, "page_size"), ({"page": "x"}, "page")):
        await api.refused("C-11", 400, query=query, said=field)
    await api.refused("C-12", 400, sent={**sent, "prompt": ""}, said="prompt")
    await api.refused("C-12", 400, sent={"prompt": "x"}, said="sd_model_id is missing")
    await api.refused("C-12", 404, sent={**sent, "sd_model_id": "sd_model_0"}, said="sd_model_id")
    await api.refused("C-12", 404, sent={**sent, "conversation_id": "conv_0"})
    await api.refused("C-12", 404, sent=sent, key=api.foreign)


async def test_what_is_changed_and_deleted(api: Contract) -> None:
    model, drawn = await llm(api), await painter(api)
    agent = await api.good("C-09", sent={"name": "Rosa", "age": 40, "appearance_prompt": "Tall", "sd_model_id": drawn})
    path = f"/api/v1/agents/{agent['id']}"
    same = await api.ok("PATCH", path, {"appearance_prompt": agent["appearance_prompt"]})
    assert same == agent
    older = await api.ok("PATCH", path, {"age": 41, "name": "Rosa Maria", "sd_model_id": drawn})
    assert (older["appearance_prompt"], older["name"]) == ("41 years old, Tall", "Rosa Maria")
    assert older["avatar_url"] != agent["avatar_url"]
    assert (await api.call("GET", agent["avatar_url"].removeprefix("https://hub.example"), key="")).status == 404
    for wrong in ({"age": 17}, {"appearance_prompt": "16 years old"}, {"description": "She is 15 years old."}):
        assert (await api.call("PATCH", path, wrong)).status == 400, wrong
    assert (await api.ok("PATCH", path, {"age": None}))["appearance_prompt"] == "Tall"
    talk = await api.good("C-04", sent={"llm_id": model, "agent_id": agent["id"], "title": "Tea"})
    there = f"/api/v1/conversations/{talk['id']}"
    changed = await api.ok("PATCH", there, {"system_prompt": "Be kind."})
    assert (changed["system_prompt"], changed["title"], changed["agent_id"]) == ("Be kind.", "Tea", agent["id"])
    assert (await api.call("PATCH", there, {"llm_id": "model_0"})).status == 404
    assert (await api.call("PATCH", there, {"title": "x"}, key=api.foreign)).status == 404
    assert (await api.call("DELETE", path, key=api.foreign)).status == 404
    assert (await api.call("DELETE", path)).status == 204
    assert (await api.good("C-05", talk["id"]))["agent_id"] is None
    await api.good("C-07", talk["id"], sent={"content": "Still there?"})
    assert (await api.call("DELETE", there)).status == 204
    await api.refused("C-05", 404, talk["id"])


@pytest.mark.parametrize("id", [f"C-{n:02}" for n in range(1, 13)])
async def test_a_key_is_needed_and_rates_are_told(api: Contract, id: str) -> None:
    variables = ["x_000000"] if id in ("C-05", "C-06", "C-07", "C-10") else []
    sent: Json | None = {} if id in ("C-02", "C-04", "C-07", "C-09", "C-12") else None
    for key, status in (("", 401), ("sk-hub-unknown", 401), (api.public, 403)):
        got = await api.row(id, *variables, key=key, sent=sent)
        assert got.status == status and isinstance(got.body["error"], str)
        assert {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} <= set(got.headers)
    got = await api.row(id, *variables, sent=sent)
    assert got.headers["X-RateLimit-Limit"] == "100" and int(got.headers["X-RateLimit-Remaining"]) < 100


async def test_what_is_changed_while_an_avatar_is_drawn_stays(api: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    painter = (await api.good("C-01", query={"type": "sd"}))[-1]["id"]
    made = await api.good("C-09", sent={"name": "Rosa", "description": "Old", "sd_model_id": painter})
    path = f"/api/v1/agents/{made['id']}"
    drawn = images.drawn

    async def slowly(*given: object) -> images.Picture:
        await api.ok("PATCH", path, {"description": "New"})
        return await drawn(*given)  # type: ignore[arg-type]  # parameters of the test

    monkeypatch.setattr(images, "drawn", slowly)
    after = await api.ok("PATCH", path, {"name": "Rose", "sd_model_id": painter})
    monkeypatch.undo()
    assert (after["name"], after["description"]) == ("Rose", "New")
    kept = "select count(*) from files where account_id = $1 and name like $2"
    assert await api.hub.db.value(kept, api.account, made["id"] + "%") == 1
