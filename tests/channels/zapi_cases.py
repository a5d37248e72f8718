"""The items that the files in payloads/zapi must become."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from channels.base import Link
from channels.inbound import Attachment, Contact, Fate, Inbound, Kind, Media

TOKEN = "FAKEINSTANCETOKEN000000000000001"
LINK = Link(
    "link",
    {"instanceId": "3FAKE000INSTANCE000000000000FAKE", "instanceToken": TOKEN},
    "path-secret",
    "https://hub.example.com/webhooks/zapi/i1/secret",
)
START = datetime(2026, 1, 1, 13, tzinfo=UTC)
CHAT = "5511999990000"
FILES = "https://f004.backblazeb2.com/file/temp-file-download/instances/3FAKE000INSTANCE000000000000FAKE"
BOTH = ("lid:181234567890123", "phone:5511999990000")
ANA = Contact(BOTH, name="Ana Souza", phone=CHAT)
PHONE_ONLY = Contact(("phone:5511999990000",), phone=CHAT)
NAMED = replace(PHONE_ONLY, name="Ana Souza")


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def said(message_id: str, seconds: int, **more: Any) -> Inbound:
    more = {"contact": ANA, **more}
    ext = f"m:{message_id}"
    return Inbound(Kind.MESSAGE, ext, chat=CHAT, message_id=message_id, at=at(seconds), **more)


def file(message_id: str, seconds: int, attachment: Attachment, **more: Any) -> Inbound:
    return said(message_id, seconds, attachments=(attachment,), **more)


def event(name: str, ext: str, **more: Any) -> Inbound:
    return Inbound(Kind.EVENT, ext, event=name, **{"chat": CHAT, "contact": NAMED, **more})


def presence(state: str) -> Inbound:
    return event(f"presence.{state}", "u", contact=PHONE_ONLY)


def fate(state: str, ext: str, seconds: int, *ids: str, **more: Any) -> Inbound:
    more = {"chat": CHAT, "fate": Fate(state, ids), **more}
    return Inbound(Kind.STATUS, ext, message_id=ids[0], at=at(seconds), **more)


SENT = "3EB0AAAAAAAAAAAAAAAA02"
EXPECTED = {
    "text": said("3EB00001FAKE00000001", 1, text="Oi, tudo bem?"),
    "text-link": said("3EB00002FAKE00000002", 2, text="Veja https://example.com/promo"),
    "text-lid-phone": said(
        "3EB00003FAKE00000003",
        3,
        text="Contato sem telefone visível",
        contact=Contact(("lid:181234567890123",), name="Ana"),
    ),
    "text-from-ad": said(
        "3EB00006FAKE00000006",
        6,
        text="Vi o anúncio",
        detail={
            "ad": {
                "title": "Promo",
                "body": "texto do anúncio",
                "url": "https://fb.me/FAKE",
                "source": "23700000000000001",
                "kind": "ad",
                "click": "AffFAKE",
            }
        },
    ),
    "image": file(
        "3EB00007FAKE00000007",
        7,
        Attachment(Media.IMAGE, url=f"{FILES}/FAKE1.jpeg", mime="image/jpeg"),
        text="Olha essa foto",
    ),
    "image-download-error": file(
        "3EB00008FAKE00000008",
        8,
        Attachment(Media.IMAGE, mime="image/jpeg", error="Failed to download media"),
    ),
    "voice": file(
        "3EB00009FAKE00000009",
        9,
        Attachment(Media.VOICE, url=f"{FILES}/FAKE2.ogg", mime="audio/ogg; codecs=opus", seconds=3),
    ),
    "audio-file": file(
        "3EB0000AFAKE0000000A",
        10,
        Attachment(Media.AUDIO, url=f"{FILES}/FAKE3.mp3", mime="audio/mpeg", seconds=187),
    ),
    "document": file(
        "3EB0000DFAKE0000000D",
        13,
        Attachment(
            Media.DOCUMENT,
            url=f"{FILES}/FAKE6.pdf",
            mime="application/pdf",
            name="pedido-1042.pdf",
        ),
        text="Segue o pedido",
    ),
    "location": file(
        "3EB0000FFAKE0000000F",
        15,
        Attachment(
            Media.LOCATION,
            text="MASP\nAv. Paulista, 1578\n-23.561414, -46.655881\nhttps://masp.example.com",
        ),
    ),
    "reaction": replace(
        said("3EB00011FAKE00000011", 17, text="👍", reply_to="3EB0AAAAAAAAAAAAAAAA01"),
        kind=Kind.REACTION,
        ext="r:3EB00011FAKE00000011",
    ),
    "reaction-removed": replace(
        said("3EB00012FAKE00000012", 18, text="", reply_to="3EB0AAAAAAAAAAAAAAAA01"),
        kind=Kind.REACTION,
        ext="r:3EB00012FAKE00000012",
    ),
    "reply": said("3EB00013FAKE00000013", 19, text="1042", reply_to="3EB0AAAAAAAAAAAAAAAA01"),
    "status-reply": said(
        "3EB00014FAKE00000014",
        20,
        text="que legal",
        reply_to="3EB054FAKE",
        detail={"status_reply": True},
    ),
    "button-reply": said(
        "3EB00015FAKE00000015", 21, text="Sim", button="sim", reply_to="3EB0AAAAAAAAAAAAAAAA01"
    ),
    "edit-original": said("3EB00017FAKE00000017", 23, text="Oi, tudo bm?"),
    "edited-message": replace(
        said("3EB00017FAKE00000017", 83, text="Oi, tudo bem? (corrigido)"),
        kind=Kind.EDIT,
        original="m:3EB00017FAKE00000017",
        ext="e:3EB00017FAKE00000017:3EB0EDEDEDEDEDEDEDED01",
        detail={"edit_id": "3EB0EDEDEDEDEDEDEDED01"},
    ),
    "group-text": replace(
        said("3EB0001BFAKE0000001B", 27, text="Oi grupo", group="Grupo de Teste"),
        chat="120363040000000001-group",
        contact=Contact(
            ("lid:181234567890124", "phone:5511999990001"), name="Bia", phone="5511999990001"
        ),
    ),
    "from-me-phone": replace(
        said("3A1122334455667788AA", 30, text="Respondido pelo celular"), kind=Kind.OWN, by="human"
    ),
    "from-me-api": replace(
        said(SENT, 31, text="Olá Ana! Como posso ajudar?"), kind=Kind.OWN, by="api"
    ),
    "notification-revoke": Inbound(
        Kind.REVOKE,
        "x:3EB00017FAKE00000017",
        chat=CHAT,
        contact=NAMED,
        message_id="3EB00017FAKE00000017",
        original="m:3EB00017FAKE00000017",
        at=at(33),
    ),
    "notification-e2e": event(
        "notification.e2e_encrypted",
        "n:E2E_ENCRYPTED:3EB00023FAKE00000023",
        message_id="3EB00023FAKE00000023",
        at=at(35),
    ),
    "notification-profile-name": event(
        "notification.profile_name_updated",
        "n:PROFILE_NAME_UPDATED:3EB00025FAKE00000025",
        message_id="3EB00025FAKE00000025",
        chat="5511988880000",
        contact=Contact(("phone:5511988880000",), phone="5511988880000"),
        at=at(37),
        by="human",
        detail={"profileName": "Loja Exemplo 2"},
    ),
    "waiting-message": event(
        "message.waiting",
        "w:3EB0WAITFAKE00000001",
        message_id="3EB0WAITFAKE00000001",
        at=at(50),
        detail={"viewOnce": False},
    ),
    "waiting-message-view-once": event(
        "message.waiting",
        "w:3EB0WAITFAKE00000002",
        message_id="3EB0WAITFAKE00000002",
        at=at(50),
        detail={"viewOnce": True},
    ),
    "waiting-message-resolved": said("3EB0WAITFAKE00000001", 50, text="agora chegou"),
    "delivery-error": fate(
        "failed",
        "d:failed:3EB0AAAAAAAAAAAAAAAA03",
        61,
        "3EB0AAAAAAAAAAAAAAAA03",
        chat="5511900000000",
        fate=Fate(
            "failed",
            ("3EB0AAAAAAAAAAAAAAAA03",),
            code="not_on_whatsapp",
            text="Phone number does not exist",
        ),
        detail={"zaapId": "FAKEZAAPID0000000000000000000002"},
    ),
    "status-received": fate("delivered", f"s:RECEIVED::{SENT}", 62, SENT),
    "status-read": fate("read", f"s:READ::{SENT}", 62, SENT),
    "status-played": fate("played", f"s:PLAYED::{SENT}", 62, SENT),
    "status-read-multi": fate(
        "read",
        f"s:READ::{SENT}:3EB0AAAAAAAAAAAAAAAA04",
        63,
        SENT,
        "3EB0AAAAAAAAAAAAAAAA04",
    ),
    "status-group-read": fate(
        "read",
        "s:READ:5511999990001:3EB0AAAAAAAAAAAAAAAA05",
        64,
        "3EB0AAAAAAAAAAAAAAAA05",
        chat="120363040000000001-group",
        group="120363040000000001-group",
        detail={"participant": "5511999990001"},
    ),
    "connected": event(
        "connection.open",
        "u",
        chat="5511988880000",
        contact=None,
        at=at(65),
        detail={"isBusiness": True},
    ),
    "disconnected": event(
        "connection.close",
        "u",
        chat="",
        contact=None,
        at=at(66),
        detail={"error": "Device has been disconnected"},
    ),
    "presence-available": presence("available"),
    "presence-composing": presence("composing"),
    "presence-paused": presence("paused"),
}
EXPECTED["text-lid-phone"] = replace(EXPECTED["text-lid-phone"], chat="181234567890123@lid")
