"""What proves that a call comes from the customer's Evolution server."""

import base64
import hmac
import json
import time
from typing import Any

import pytest

from channels.base import BadSignature, Hook, Link
from channels.evolution.receive import receive
from channels.evolution.verify import good_token
from tests.channels.replay import body, load

SECRET = "fake-secret-0001"
LINK = Link(
    "link",
    {"instanceName": "hub-teste", "apiKey": "FAKE-INSTANCE-TOKEN-0001"},
    SECRET,
    "https://hub.example.com/webhooks/evolution/hub-teste",
)
NOW = 1_767_272_400


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def token(claims: Any, secret: str = SECRET, algorithm: str = "HS256") -> str:
    signed = f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part(claims)}"
    mac = hmac.digest(secret.encode(), signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


GOOD = token({"iat": NOW, "exp": NOW + 600, "app": "evolution", "action": "webhook"})


def accepts(headers: dict[str, str], apikey: Any = "FAKE-INSTANCE-TOKEN-0001") -> bool:
    raw = json.dumps({**load("evolution", "text"), "apikey": apikey}).encode()
    try:
        return receive(LINK, Hook(headers, raw))[0].text == "Oi, tudo bem?"
    except BadSignature:
        return False


def test_secret_header() -> None:
    assert accepts({"x-hub-secret": SECRET})
    for wrong in ("fake-secret-0002", "Fake-secret-0001", "", "\udce9"):
        assert not accepts({"x-hub-secret": wrong})


def test_global_webhook_sends_no_header() -> None:
    assert accepts({})
    assert accepts({}, apikey=None)


@pytest.mark.parametrize("apikey", ["FAKE-INSTANCE-TOKEN-0002", "", 7, ["FAKE"]])
def test_apikey_in_the_body_proves_nothing(apikey: Any) -> None:
    """It is the instance's token also when the settings hold the server's global key; the path proves the call."""
    assert accepts({}, apikey=apikey)
    assert accepts({"x-hub-secret": SECRET}, apikey=apikey)
    assert not accepts({"x-hub-secret": "wrong"}, apikey=apikey)


def test_bearer_header() -> None:
    now = int(time.time())
    assert accepts({"authorization": f"Bearer {token({'exp': now + 600})}"})
    assert accepts({"authorization": f"bearer  {token({'exp': now + 600})}"})
    assert not accepts({"authorization": f"Bearer {token({'exp': now - 600})}"})
    assert not accepts({"authorization": "Bearer "})
    assert not accepts({"authorization": f"Bearer {token({'exp': now + 600}, 'other')}"})


def test_other_authorization_is_a_proxys() -> None:
    assert accepts({"authorization": "Basic dXNlcjpwYXNz"})


@pytest.mark.parametrize(
    ("now", "good"), [(NOW, True), (NOW + 659, True), (NOW + 661, False), (NOW - 61, True)]
)
def test_expiry(now: float, good: bool) -> None:
    assert good_token(GOOD, SECRET, now) is good


def test_every_changed_character_is_noticed() -> None:
    for place in range(len(GOOD) - 1):  # the last one carries bits that base64 does not use
        changed = GOOD[:place] + ("A" if GOOD[place] != "A" else "B") + GOOD[place + 1 :]
        assert not good_token(changed, SECRET, NOW), place


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        ".",
        "..",
        "a.b.c",
        token({}),
        token({"exp": "soon"}),
        token({"exp": NOW + 600, "nbf": NOW + 600}),
        token([1]),
        token({"exp": NOW + 600}, algorithm="none"),
        token({"exp": NOW + 600}, algorithm="HS512"),
        token({"exp": NOW + 600}).rpartition(".")[0] + ".",
        "é.é.é",
    ],
)
def test_no_token(wrong: str) -> None:
    assert not good_token(wrong, SECRET, NOW)


def test_payload_from_the_file_with_its_headers() -> None:
    headers = {k.lower(): v for k, v in load("evolution", "_headers")["headers"].items()}
    assert receive(LINK, Hook(headers, body("evolution", "text")))[0].text == "Oi, tudo bem?"
