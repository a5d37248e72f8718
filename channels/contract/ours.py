"""Samples of our own networks."""

import hmac
import time
from collections.abc import Mapping
from typing import Any

import orjson

from channels.base import Hook, Link
from channels.cloud import WhatsAppCloud
from channels.contract.sample import Sample
from channels.evolution import Evolution
from channels.evolution.verify import SECRET_HEADER
from channels.kapso import Kapso
from channels.telegram import Telegram
from channels.webhook import SIGNATURE, STAMP, Webhook, sign
from channels.zapi import ZApi

Json = dict[str, Any]
PHONE = "5511999990000"
AT = 1_767_272_421
WAMID = "wamid.HBgNNTUxMTk5OTk5MDAwMBUCABIYFEZBS0800001AA=="
SENT = (200, {"messaging_product": "whatsapp", "messages": [{"id": WAMID}]})


def _link(**settings: str) -> Link:
    return Link("link", settings, "path-secret-1", "https://hub.example.com/hook", header_secret="header-secret-1")


def _telegram(link: Link, text: str, id: str) -> Hook:
    who = {"id": 700000001, "is_bot": False, "first_name": "Ana"}
    message = {"message_id": int(id), "from": who, "chat": who | {"type": "private"}, "date": AT, "text": text}
    body = {"update_id": int(id), "message": message}
    return Hook({"x-telegram-bot-api-secret-token": link.proof}, orjson.dumps(body))


def _zapi(link: Link, text: str, id: str) -> Hook:
    body = {
        "type": "ReceivedCallback", "instanceId": "I1", "messageId": id, "phone": PHONE, "fromMe": False,
        "momment": AT * 1000, "status": "RECEIVED", "senderName": "Ana", "isGroup": False, "text": {"message": text},
    }
    return Hook({"z-api-token": link.settings["instanceToken"]}, orjson.dumps(body))


def _evolution(link: Link, text: str, id: str) -> Hook:
    data = {
        "key": {"remoteJid": f"{PHONE}@s.whatsapp.net", "fromMe": False, "id": id}, "pushName": "Ana",
        "message": {"conversation": text}, "messageType": "conversation", "messageTimestamp": AT,
    }
    return Hook({SECRET_HEADER.lower(): link.proof}, orjson.dumps({"event": "messages.upsert", "instance": "hub", "data": data}))


def _message(text: str, id: str) -> Json:
    return {"id": id, "from": PHONE, "timestamp": str(AT), "type": "text", "text": {"body": text}}


def _kapso(link: Link, text: str, id: str) -> Hook:
    message = _message(text, id) | {"kapso": {"direction": "inbound", "origin": "cloud_api"}}
    body = orjson.dumps({"message": message, "conversation": {"phone_number": f"+{PHONE}"}, "phone_number_id": "100"})
    signed = hmac.new(link.settings["webhookSecretKey"].encode(), body, "sha256").hexdigest()
    return Hook({"x-webhook-event": "whatsapp.message.received", "x-webhook-signature": signed}, body)


def _cloud(link: Link, text: str, id: str) -> Hook:
    value = {"metadata": {"phone_number_id": "100"}, "messages": [_message(text, id)]}
    body = orjson.dumps({"entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]})
    signed = hmac.new(link.settings["appSecret"].encode(), body, "sha256").hexdigest()
    return Hook({"x-hub-signature-256": f"sha256={signed}"}, body)


def _webhook(link: Link, text: str, id: str) -> Hook:
    body, stamp = orjson.dumps({"id": id, "chat": "c-1", "name": "Ana", "text": text}), str(int(time.time()))
    return Hook({STAMP: stamp, SIGNATURE: sign(link.settings["secret"], stamp, body)}, body)


TOKEN = "123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
KEY = {"remoteJid": f"{PHONE}@s.whatsapp.net", "fromMe": True, "id": "3EB0AA01"}
ALL = (
    Sample(
        "telegram", "700000001", lambda _, base: Telegram(base), lambda _: _link(botToken=TOKEN), _telegram,
        (200, {"ok": True, "result": {"message_id": 5}}), unsigned=True,
    ),
    Sample(
        "zapi", PHONE, lambda t, base: ZApi(t.http, t.fetch, base),
        lambda _: _link(instanceId="I1", instanceToken="instance-token-1"), _zapi,
        (200, {"zaapId": "Z1", "messageId": "3EB0AA01", "id": "3EB0AA01"}), unproved=True, unsigned=True,
    ),
    Sample(
        "evolution", PHONE, lambda t, _: Evolution(t.guarded, t.fetch),
        lambda base: _link(endpointUrl=base, instanceName="hub", apiKey="evolution-key-1"), _evolution,
        (201, {"key": KEY, "status": "PENDING"}), unproved=True, unsigned=True,
    ),
    Sample(
        "kapso", PHONE, lambda t, base: Kapso(t.http, t.fetch, base),
        lambda _: _link(apiKey="kapso-key-1", phoneNumberId="100", webhookSecretKey="kapso-secret-1"), _kapso, SENT,
    ),
    Sample(
        "cloud", PHONE, lambda t, base: WhatsAppCloud(t.http, t.fetch, f"{base}/v24.0"),
        lambda _: _link(accessToken="access-token-1", appSecret="app-secret-1", phoneNumberId="100"), _cloud, SENT,
    ),
    Sample(
        "webhook", "c-1", lambda t, _: Webhook(t), lambda base: _link(url=f"{base}/in", secret="webhook-secret-0001"),
        _webhook, (200, {"id": "answer-1"}),
    ),
)
OURS: Mapping[str, Sample] = {one.name: one for one in ALL}
