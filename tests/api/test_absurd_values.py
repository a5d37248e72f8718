"""What could be stored and would then do nothing, or harm: it is refused, and the field is named."""

import pytest

from tests.api.conftest import GATEWAY, Api

CLIENT, GATEWAYS = "/api/v1/web-chat-client", "/api/v1/ai-gateways"


async def refused(api: Api, method: str, path: str, sent: object, field: str) -> None:
    got = await api.call(method, path, sent)
    assert (got.status, got.body["error"].startswith(field)) == (400, True), (method, path, sent, got.body)


@pytest.mark.parametrize("name", ["", "  ", "\t\n", "\u2003"])
async def test_a_name_that_nobody_can_see_is_refused(api: Api, name: str) -> None:
    client, gateway = await api.client(), await api.gateway()
    await refused(api, "POST", CLIENT, {"name": name}, "name")
    await refused(api, "PUT", f"{CLIENT}/{client}", {"name": name}, "name")
    await refused(api, "POST", GATEWAYS, {**GATEWAY, "name": name}, "name")
    await refused(api, "PATCH", f"{GATEWAYS}/{gateway}", {"name": name}, "name")
    await refused(api, "PUT", "/api/v1/accounts", {"name": name}, "name")
    await refused(api, "POST", "/api/v1/accounts/api-key", {"label": name, "duration": 30}, "label")
    for path in ("inbox/teams", "inbox/labels"):
        await refused(api, "POST", f"/api/v1/{path}", {"name": name}, "name")
    got = await api.call("POST", "/v1/chatbots", {"name": name})
    assert (got.status, got.body["error"]["param"]) == (400, "name"), got.body
    shown = await api.ok("GET", f"{CLIENT}/{client}")
    assert shown["name"] == "Shop"


@pytest.mark.parametrize("code", ["xx", "qq-BR", "zz_ZZ"])
async def test_a_language_that_there_is_not_is_refused(api: Api, code: str) -> None:
    field = "clientParameters.languageCode"
    await refused(api, "POST", CLIENT, {"name": "Shop", "clientParameters": {"languageCode": code}}, field)
    client = await api.client(clientParameters={"languageCode": "pt-BR"})
    await refused(api, "PUT", f"{CLIENT}/{client}", {"clientParameters": {"languageCode": code}}, field)
    for known in ("en", "ES", "de-AT", "zh-Hant-TW", "fil", None):
        await api.ok("PUT", f"{CLIENT}/{client}", {"clientParameters": {"languageCode": known}})


async def test_a_language_kept_from_before_stands_in_no_other_changes_way(api: Api) -> None:
    client = await api.client(clientParameters={"languageCode": "pt"})
    await api.hub.db.run(
        "update clients set parameters = parameters || '{\"languageCode\": \"xx\"}' where id = $1::uuid", client
    )
    await api.ok("PUT", f"{CLIENT}/{client}", {"name": "Shop 2", "clientParameters": {"debug": True}})
    shown = await api.ok("GET", f"{CLIENT}/{client}")
    assert (shown["name"], shown["clientParameters"]["debug"]) == ("Shop 2", True)


@pytest.mark.parametrize(
    "tools",
    [
        ["x"], [1], [None], [{}], [{"type": "function"}], [{"type": "function", "function": {"name": " "}}],
        [{"type": 3}], [{"function": 1}],
    ],
)
async def test_tools_that_are_none_are_refused_by_their_place(api: Api, tools: list[object]) -> None:
    good = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    sent = {**GATEWAY, "parameters": {**GATEWAY["parameters"], "tools": [good, *tools]}}
    await refused(api, "POST", GATEWAYS, sent, "parameters.tools.1")
    gateway = await api.gateway(tools=[good, {"type": "web_search"}])
    await refused(api, "PATCH", f"{GATEWAYS}/{gateway}", {"parameters": {"tools": tools}}, "parameters.tools.0")
    assert (await api.ok("GET", f"{GATEWAYS}/{gateway}"))["parameters"]["tools"] == [good, {"type": "web_search"}]


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"tools": [{"type": "function"}]}, "tools"), ({"tools": [{"function": {"name": " "}}]}, "tools"),
        ({"response_format": {"type": "json_object"}}, "response_format"), ({"json_only": True}, "response_format"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}}, "response_format"),
    ],
)
async def test_what_an_answer_could_not_be_is_not_asked_for(api: Api, sent: dict[str, object], field: str) -> None:
    asked = {"model": "@hub/extractive", "messages": [{"role": "user", "content": "Hello"}], "tool_choice": "auto"}
    got = await api.call("POST", "/v1/chat/completions", asked | sent)
    assert (got.status, got.body["error"]["param"]) == (400, field), got.body
    good = {"tools": [{"type": "function", "function": {"name": "look"}}, {"google_search": {}}]}
    assert (await api.call("POST", "/v1/chat/completions", asked | good)).status == 200


async def test_a_value_of_several_forms_is_told_what_is_wrong_with_the_form_it_has(api: Api) -> None:
    got = await api.call("POST", "/v1/responses", {"model": "@hub/extractive", "input": []})
    assert (got.status, got.body["error"]["message"]) == (400, "input must have at least 1 items."), got.body


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"modelName": "  "}, "modelName"), ({"fallbackModels": [{"modelName": "\t"}]}, "fallbackModels.0.modelName"),
        ({"mcpSources": [{"name": " ", "url": "https://a.example"}]}, "mcpSources.0.name"),
        ({"systemInstructionsSources": [{"name": " ", "url": "https://a.b"}]}, "systemInstructionsSources.0.name"),
        (
            {"protocolFunctions": [{"name": "look", "description": " ", "callbackUrl": "https://a.example"}]},
            "protocolFunctions.0.description",
        ),
    ],
)
async def test_what_a_gateway_holds_has_names_that_can_be_seen(
    api: Api, parameters: dict[str, object], field: str
) -> None:
    sent = {**GATEWAY, "parameters": {**GATEWAY["parameters"], **parameters}}
    await refused(api, "POST", GATEWAYS, sent, f"parameters.{field} must not be blank")
    gateway = await api.gateway()
    await refused(api, "PATCH", f"{GATEWAYS}/{gateway}", {"parameters": parameters}, f"parameters.{field}")
    await api.ok("PATCH", f"{GATEWAYS}/{gateway}", {"parameters": {"temperature": 0.5}})


async def test_an_import_without_a_file_is_refused(api: Api) -> None:
    made = await api.ok("POST", "/api/v1/collections", {"collectionName": "Halls"})
    for path, field in (
        (f"/api/v1/collections/{made['collectionId']}/documents", "documents"),
        ("/api/v1/skills/management/import", "skills"),
    ):
        for nothing in (b"", b" \n\n"):
            got = await api.call("POST", path, data=nothing)
            assert (got.status, got.body["error"].startswith(field)) == (400, True), got.body
        got = await api.call("POST", path, data=b"", headers={"Accept": "text/event-stream"})
        assert got.status == 400, got.body


async def test_what_takes_no_field_takes_no_body(api: Api) -> None:
    """Every field of a session is optional: nothing sent is an object without fields."""
    client = await api.client()
    assert (await api.ok("POST", f"{CLIENT}/{client}/sessions"))["accessKey"]
    assert (await api.call("PUT", f"{CLIENT}/{client}")).status == 400


async def test_aress_errors_have_their_own_codes_where_nothing_answers(api: Api) -> None:
    for method, path, status, code in (
        ("PUT", "/api/chat", 405, "INVALID_INPUT"), ("PATCH", "/api/memory", 405, "INVALID_INPUT"),
        ("GET", "/api/auth/nobody", 404, "NOT_FOUND"), ("PUT", "/api/v1/skills", 405, "method_not_allowed"),
    ):
        got = await api.call(method, path)
        assert (got.status, got.body["code"]) == (status, code), got.body


async def test_an_agent_without_a_name_is_refused_like_a_conversation_without(api: Api) -> None:
    given = {"email": "ana@absurd.example", "password": "correct horse", "name": "Ana"}
    assert (await api.call("POST", "/api/v1/ares/users", given)).status == 201
    token = str((await api.ok("POST", "/api/auth/login", given, key=""))["access_token"])
    for field in ("agent_type", "context_id"):
        got = await api.call("POST", "/api/chat", {"message": "hi", field: ""}, key=token)
        assert (got.status, got.body["error"].startswith(field)) == (400, True), got.body
