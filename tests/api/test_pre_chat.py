"""The form before a chat: shown where a business wants one, held by the server, kept with the conversation."""

from typing import Any

from hub.console.channels import asked_line, pre_chat
from tests.api.chatting import visiting
from tests.api.conftest import Api

FIELDS: list[dict[str, Any]] = [
    {"name": "name", "label": "Your name", "kind": "text", "required": True},
    {"name": "email", "label": "E-mail", "kind": "email", "required": True},
    {"name": "phone", "label": "Phone", "kind": "phone", "required": False},
    {"name": "consent", "label": "I agree to the terms", "kind": "consent", "required": True},
]
GOOD = {"name": "Ana", "email": "ana@example.com", "consent": "yes"}


async def test_nobody_begins_without_what_is_asked_for(api: Api) -> None:
    async with visiting(api, {"maxMessages": 0}) as me:
        at, door = f"/c/{me.client}", f"/api/v1/public/web-chat-clients/{me.client}/sessions"
        assert 'id="pre"' not in (await api.call("GET", at, key="")).body
        await api.ok("PUT", f"/api/v1/web-chat-client/{me.client}", {"clientParameters": {"preChat": FIELDS}})
        page = (await api.call("GET", at, key="")).body
        assert 'id="pre"' in page and 'name="pre_email" type="email"' in page and '<form id="form" hidden' in page
        for wrong in ({}, {**GOOD, "email": "ana"}, {**GOOD, "consent": ""}, {**GOOD, "phone": "call me"}):
            got = await api.call("POST", door, {"attributes": wrong}, key="")
            assert (got.status, got.body["code"]) == (400, "pre_chat"), wrong
        opened = (await api.call("POST", door, {"attributes": {**GOOD, "phone": "+55 11 99999-0000"}}, key="")).body
        kept = await api.ok("GET", f"/api/v1/web-chat-client/{me.client}/sessions/{opened['sessionId']}")
        said = kept["metadata"]
        assert (said["anon:name"], said["anon:email"]) == ("Ana", "ana@example.com")
        assert said["anon:consent"].endswith("Z") and said["anon:phone"] == "+55 11 99999-0000"
        # A conversation that goes on is asked for nothing.
        assert 'id="pre"' not in (await api.call("GET", f"/chat/{me.key}", key="")).body


async def test_the_form_works_without_a_script(api: Api) -> None:
    async with visiting(api, {"maxMessages": 0}) as me:
        await api.ok("PUT", f"/api/v1/web-chat-client/{me.client}", {"clientParameters": {"preChat": FIELDS}})
        at = f"{api.url}/c/{me.client}"
        form = {f"pre_{name}": value for name, value in GOOD.items()}
        async with api.http.post(at, data={**form, "pre_email": "none"}, allow_redirects=False) as got:
            text = await got.text()
            assert got.status == 400 and "email is no email" in text and 'id="pre"' in text
        async with api.http.post(f"{at}?o=https://shop.example", data=form, allow_redirects=False) as got:
            assert got.status == 303
            where = got.headers["Location"]
        assert where.startswith("/chat/") and "?o=https%3A%2F%2Fshop.example" in where
        page = await api.call("GET", where.partition("#")[0], key="")
        assert page.status == 200 and 'id="pre"' not in page.body


async def test_what_was_said_before_a_chat_is_given_out_and_forgotten(api: Api) -> None:
    """By the phone and by the address, whatever the fields are called; of nobody else's conversation anything goes."""
    fields = [{"name": "celular", "label": "Phone", "kind": "phone", "required": False},
              {"name": "workEmail", "label": "E-mail", "kind": "email", "required": False},
              {"name": "name", "label": "Name", "kind": "text", "required": False}]
    async with visiting(api, {"maxMessages": 0}) as me:
        await api.ok("PUT", f"/api/v1/web-chat-client/{me.client}", {"clientParameters": {"preChat": fields}})
        door = f"/api/v1/public/web-chat-clients/{me.client}/sessions"
        opened = [(await api.call("POST", door, {"attributes": a}, key="")).body["sessionId"] for a in (
            {"celular": "+55 (11) 98888-0001"}, {"workEmail": "Zoe@Example.com"},
            {"celular": "+55 11 98888-0002", "workEmail": "other@example.com", "name": "zoe"},
        )]
        for query, id, word in (
            ("phone=5511988880001", opened[0], "98888-0001"), ("email=zoe@example.com", opened[1], "Zoe@Example.com"),
        ):
            given = await api.call("GET", f"/api/v1/contacts/export?{query}")
            assert word in str(given.body) and opened[2] not in str(given.body), given.body
            assert (await api.ok("DELETE", f"/api/v1/contacts?{query}"))["conversations"] == 1
            left = await api.hub.db.value("select count(*) from sessions where id = $1", id)
            assert left == 0, query
            assert (await api.call("DELETE", f"/api/v1/contacts?{query}")).status == 404
        assert await api.hub.db.value("select count(*) from sessions where id = $1", opened[2]) == 1


async def test_what_is_asked_twice_under_one_name_is_refused(api: Api) -> None:
    async with visiting(api, {"maxMessages": 0}) as me:
        for put in ({"preChat": [*FIELDS, {**FIELDS[0], "label": "Again"}]}, {"preChat": [FIELDS[1], FIELDS[1]]}):
            refused = await api.call("PUT", f"/api/v1/web-chat-client/{me.client}", {"clientParameters": put})
            assert refused.status == 400 and "two fields named" in str(refused.body), refused.body
        await api.ok("PUT", f"/api/v1/web-chat-client/{me.client}", {"clientParameters": {"preChat": FIELDS}})


def test_a_form_is_written_a_line_a_field() -> None:
    assert pre_chat("Your name*\nE-mail* | email\n\nPhone|phone\nI agree to the terms*|consent") == FIELDS
    assert [f["name"] for f in pre_chat("Name\nOrder\nCity")] == ["name", "field2", "field3"]
    # What the API wrote keeps its names, whatever else of the form changes.
    own: list[dict[str, Any]] = [
        {"name": "taxId", "label": "CPF  | CNPJ", "kind": "text", "required": True}, FIELDS[1],
        {"name": "name", "label": "Shop", "kind": "text", "required": False},
    ]
    assert pre_chat("\n".join(asked_line(f) for f in own), own) == own
    assert pre_chat(f"{asked_line(own[0])}\nShop", own) == [own[0], own[2]]
    assert [f["name"] for f in pre_chat("Your name*\nShop", own)] == ["field1", "name"]
