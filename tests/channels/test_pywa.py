"""What Meta is asked, as pywa, a client of Meta's API by others, asks it; and what it lists, as pywa reads it."""

import itertools
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from channels.meta import outgoing, templates
from channels.outbound import Card, Choice, Fill, Outbound, Spot
from channels.twins.templates import Templates
from tests.later import later

Json = dict[str, Any]
pywa, t, made = later("pywa"), later("pywa.types"), later("pywa.types.templates")
TO = "5511999990000"
SENT = {"messaging_product": "whatsapp", "contacts": [{"input": TO, "wa_id": TO}], "messages": [{"id": "wamid.1"}]}


def theirs(ask: Callable[[Any], Any], answer: Json | None = None) -> Json:
    """The body of pywa's last call, without what it leaves empty."""
    seen: list[Json] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(json.loads(request.content or b"{}"))
        return httpx.Response(200, json=answer or SENT | {"success": True})

    session = httpx.Client(transport=httpx.MockTransport(handle))
    ask(pywa.WhatsApp(phone_id="100", token="x", waba_id="200", session=session))
    return dict(_bare(seen[-1])) if seen else {}


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _bare(v) for k, v in value.items() if v is not None and v != []}
    return [_bare(v) for v in value] if isinstance(value, list) else value


def out(text: str = "", **more: Any) -> Outbound:
    return Outbound(TO, "", text, text, **more)


def choices(*labels: str) -> tuple[Choice, ...]:
    return tuple(Choice(f"c:{n}", label) for n, label in enumerate(labels))


def contact() -> Any:
    phone = t.Contact.Phone(phone="+5511999990009", wa_id="5511999990009", type="WORK")
    return t.Contact(name=t.Contact.Name(formatted_name="Ana", first_name="Ana"), phones=[phone])


def template(name: str, *fills: Fill, language: str = "pt_BR") -> Outbound:
    return out(template=name, language=language, fills=fills)


SAME: dict[str, tuple[Outbound, Callable[[Any], Any]]] = {
    "text": (out("Hello"), lambda wa: wa.send_message(TO, "Hello")),
    "reply": (out("Hello", reply_to="wamid.0"), lambda wa: wa.send_message(TO, "Hello", reply_to_message_id="wamid.0")),
    "buttons": (
        out("Well?", choices=choices("Yes", "No")),
        lambda wa: wa.send_message(TO, "Well?", buttons=[t.Button("Yes", "c:0"), t.Button("No", "c:1")]),
    ),
    "link": (
        out("Look", choices=(Choice("", "Open", "https://a.example"),)),
        lambda wa: wa.send_message(TO, "Look", buttons=t.URLButton("Open", "https://a.example")),
    ),
    "place": (
        out(spot=Spot(1.5, 2.5, "Aurora", "Rua 1")), lambda wa: wa.send_location(TO, 1.5, 2.5, "Aurora", "Rua 1"),
    ),
    "contact": (out(card=Card("Ana", "5511999990009")), lambda wa: wa.send_contact(TO, contact())),
    "template": (
        template("order_ready", Fill("body", "Ana"), Fill("body", "7"), Fill("button", "A1", index=0)),
        lambda wa: wa.send_template(
            TO, "order_ready", made.TemplateLanguage.PORTUGUESE_BR,
            [made.BodyText.params("Ana", "7"), made.URLButton.params(url_variable="A1", index=0)],
        ),
    ),
    "named": (
        template("visit", Fill("body", "Ana", name="customer"), Fill("body", "Monday", name="day"), language="en_US"),
        lambda wa: wa.send_template(
            TO, "visit", made.TemplateLanguage.ENGLISH_US, [made.BodyText.params(customer="Ana", day="Monday")]
        ),
    ),
    "header and code": (
        template(
            "spring", Fill("header", "https://shop.example/s.png", "image"), Fill("body", "Ana"),
            Fill("button", "S1", "code", index=0), language="en_US",
        ),
        lambda wa: wa.send_template(
            TO, "spring", made.TemplateLanguage.ENGLISH_US,
            [made.HeaderImage.params(image="https://shop.example/s.png"), made.BodyText.params("Ana"),
             made.CopyCodeButton.params(coupon_code="S1", index=0)],
        ),
    ),
    "without variables": (
        template("hello_again"),
        lambda wa: wa.send_template(TO, "hello_again", made.TemplateLanguage.PORTUGUESE_BR, []),
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_is_asked(name: str) -> None:
    ours, ask = SAME[name]
    assert _alike(outgoing.message(ours, None)) == _alike(theirs(ask))


def _alike(body: Json) -> Json:
    """Places of buttons are numbers or their digits, and parts of a template come in any order."""
    body = json.loads(json.dumps(body))
    parts = body.get("template", {}).get("components", [])
    for part in parts:
        if "index" in part:
            part["index"] = int(part["index"])
        part["type"] = part["type"].lower()
        if "sub_type" in part:
            part["sub_type"] = part["sub_type"].lower()
        for value in part["parameters"]:
            value["type"] = value["type"].lower()
    parts.sort(key=lambda p: (p["type"], p.get("index", 0)))
    return dict(body)


def test_a_list_and_its_rows() -> None:
    labels = [f"The choice with number {n}" for n in range(1, 11)]
    ours = outgoing.message(out("Which?", choices=choices(*labels), menu="Choose"), None)["interactive"]
    rows = [
        t.SectionRow(title=r["title"], callback_data=r["id"], description=r.get("description"))
        for r in ours["action"]["sections"][0]["rows"]
    ]
    read = theirs(lambda wa: wa.send_message(TO, "Which?", buttons=t.SectionList("Choose", [t.Section("", rows)])))
    assert read["interactive"]["action"]["sections"][0]["rows"] == ours["action"]["sections"][0]["rows"]
    assert read["interactive"]["type"] == ours["type"] and read["interactive"]["body"] == ours["body"]


def test_signs_marks_and_openers() -> None:
    for emoji in ("👍", ""):
        asked = theirs(_reacting(emoji))
        assert outgoing.reaction(TO, "wamid.2", emoji) == asked
    assert outgoing.read("wamid.2", typing=False) == theirs(lambda wa: wa.mark_message_as_read("wamid.2"))
    assert outgoing.read("wamid.2") == theirs(lambda wa: wa.indicate_typing("wamid.2"))
    openers = theirs(lambda wa: wa.update_conversational_automation(["Prices"], [t.Command("reset", "Start anew")]))
    assert openers["prompts"] == ["Prices"]
    assert json.loads(openers["commands"]) == [{"command_name": "reset", "command_description": "Start anew"}]


def _reacting(emoji: str) -> Callable[[Any], Any]:
    return lambda wa: wa.send_reaction(TO, emoji, "wamid.2")


def test_a_list_of_templates_is_read_alike() -> None:
    rows = [r | {"id": str(n)} for n, r in enumerate(Templates().rows)]
    summary = dict.fromkeys(("total_count", "message_template_count", "message_template_limit"), len(rows))
    summary["are_translations_complete"] = True
    page = {"data": rows, "paging": {"cursors": {"before": "a", "after": "b"}}, "summary": summary}
    found: list[Any] = []
    theirs(lambda wa: found.extend(itertools.islice(wa.get_templates(), 50)), page)
    ours = [one for r in rows if (one := templates.read(r)) is not None]
    assert [(o.name, o.status) for o in ours] == [(p.name, p.status.value.upper()) for p in found]
    assert [o.language for o in ours] == [p.language.value for p in found]
