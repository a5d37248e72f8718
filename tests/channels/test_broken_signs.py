"""What is no character does not cost the message: half of an emoji that was cut, bytes of another encoding."""

import json

import pytest

from channels.base import Hook, Unreadable
from channels.evolution.receive import receive as evolution
from channels.inbound import Inbound
from channels.kapso.receive import receive as kapso
from channels.zapi.receive import receive as zapi
from tests.channels import evolution_cases, kapso_cases, replay, zapi_cases

BODIES = {"zapi": (zapi, zapi_cases.LINK, "text"), "evolution": (evolution, evolution_cases.LINK, "text"),
          "kapso": (kapso, kapso_cases.LINK, "meta-text")}


@pytest.mark.parametrize("network", BODIES)
@pytest.mark.parametrize(("written", "read"), [
    (b"oi \\ud83d", "oi �"),  # JSON.stringify of "👋".slice(0, 1)
    (b"oi \\udc4b!", "oi �!"),
    (b"oi \\ud83d\\ud83d\\udc4b", "oi �👋"),
    (b"\\\\ud83d \\\\\\ud83d", "\\ud83d \\�"),
    ("olá".encode("latin-1"), "ol�"),
])
def test_the_rest_of_the_message_is_read(network: str, written: bytes, read: str) -> None:
    receive, link, name = BODIES[network]
    whole = replay.body(network, name)
    said = _said(receive(link, Hook({}, whole, proved=True)))
    body = whole.replace(json.dumps(said, ensure_ascii=False)[1:-1].encode(), written)
    assert body != whole
    assert _said(receive(link, Hook({}, body, proved=True))) == read
    assert _said(receive(link, Hook({}, b"\xef\xbb\xbf" + body, proved=True))) == read


def test_a_large_file_beside_it_costs_no_message() -> None:
    whole = json.loads(replay.body("evolution", "text"))
    whole["data"]["message"] = {"imageMessage": {"caption": "oi CUT"}, "base64": "QUJD" * 1_500_000}
    body = json.dumps(whole).encode().replace(b"CUT", b"\\ud83d")
    [item] = evolution(evolution_cases.LINK, Hook({}, body, proved=True))
    assert item.text == "oi \ufffd" and len(item.attachments[0].data or "") == 6_000_000


@pytest.mark.parametrize("network", BODIES)
@pytest.mark.parametrize("body", [b'{"a": "\\ud83d"', b'{"a": "\\x"}', b"\xff\xfe", b'{"a": NaN, "b": "\\ud83d"}'])
def test_what_is_no_json_stays_unreadable(network: str, body: bytes) -> None:
    receive, link, _ = BODIES[network]
    with pytest.raises(Unreadable):
        receive(link, Hook({}, body, proved=True))


def _said(items: list[Inbound]) -> str:
    (item,) = items
    return item.text
