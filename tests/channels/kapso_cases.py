"""The items that the files in payloads/kapso must become."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from channels.base import Link
from channels.inbound import Attachment, Contact, Fate, Inbound, Kind, Media
from tests.channels.replay import load

SECRET = "fake-kapso-webhook-secret-0001"
OPEN = Link(
    "link",
    {"apiKey": "FAKE_KAPSO_API_KEY", "phoneNumberId": "100000000000001"},
    "path-secret",
    "https://hub.example.com/webhooks/kapso/t1",
)
LINK = replace(OPEN, settings={**OPEN.settings, "webhookSecretKey": SECRET})
DELIVERIES: dict[str, Any] = load("kapso", "_deliveries")["deliveries"]
START = datetime(2026, 1, 1, 13, tzinfo=UTC)
CHAT = "5511999990000"
BSUID = "BR.10000000000000000001"
GROUP = "Y2FwaV9ncm91cDpGQUtF"
US = ("phone:5511988880000",)
ANA = Contact(("phone:5511999990000",), name="Ana Souza", phone=CHAT)
NAMELESS = replace(ANA, name=None)
BOTH = replace(ANA, ids=(f"bsuid:{BSUID}", "phone:5511999990000"))
FILES = "https://api.kapso.ai/media"


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def wamid(number: int) -> str:
    return f"wamid.HBgNNTUxMTk5OTk5MDAwMBUCABIYFEZBS{number:07}AA=="


SENT = wamid(800001)


def said(number: int, **more: Any) -> Inbound:
    """A message; the made up ones carry their number as their second."""
    whole = {"chat": CHAT, "contact": ANA, "at": at(number), **more}
    return Inbound(Kind.MESSAGE, f"m:{wamid(number)}", message_id=wamid(number), **whole)


def other(kind: Kind, letter: str, number: int, **more: Any) -> Inbound:
    return replace(said(number, **more), kind=kind, ext=f"{letter}:{wamid(number)}")


def file(number: int, media: Media, place: str, **more: Any) -> Inbound:
    words = more.pop("text", "")
    transcript = more.pop("transcript", "")
    held = Attachment(media, url=f"{FILES}/{place}", text=transcript, **more)
    return said(number, text=words, attachments=(held,))


def event(name: str, **more: Any) -> Inbound:
    return Inbound(Kind.EVENT, "u", event=name, **more)


def fate(state: str, seconds: int, **more: Any) -> Inbound:
    whole = {"chat": CHAT, "contact": ANA, "fate": Fate(state, (SENT,)), **more}
    ext = f"s:{SENT}:{state}"
    return Inbound(Kind.STATUS, ext, message_id=SENT, at=at(seconds), **whole)


OGG = "audio/ogg; codecs=opus"
CONVERSATION = "c0ffee00-0000-4000-8000-000000000001"
CALLED = Fate("delivered", (SENT,), callback="hub-msg-42")
EXPECTED: dict[str, list[Inbound]] = {
    "text": [said(1, text="Oi, tudo bem?")],
    "text-new-conversation": [said(2, text="Primeira mensagem")],
    "text-without-from": [said(3, text="payload v2 da doc não traz from")],
    "text-kapso-content-only": [said(4, text="só kapso.content")],
    "text-referral-ad": [
        said(
            5,
            text="Vi o anúncio",
            detail={
                "ad": {
                    "title": "Promo",
                    "body": "texto do anúncio",
                    "url": "https://fb.me/FAKE",
                    "source": "120000000000001",
                    "kind": "ad",
                    "click": "ARFAKE",
                }
            },
        )
    ],
    "text-username-bsuid": [
        said(
            6,
            text="Usuário sem telefone (BSUID)",
            chat=BSUID,
            contact=Contact((f"bsuid:{BSUID}",), name="Ana Souza", username="ana.teste"),
        )
    ],
    "image": [
        file(
            7,
            Media.IMAGE,
            "FAKE0006/photo.jpg",
            ref="300000000000001",
            mime="image/jpeg",
            name="photo.jpg",
            size=48213,
            text="Olha essa foto",
        )
    ],
    "image-no-caption": [
        file(
            8,
            Media.IMAGE,
            "FAKE0007/photo.jpg",
            ref="300000000000002",
            mime="image/jpeg",
            name="photo.jpg",
            size=48213,
        )
    ],
    "voice": [
        file(
            9,
            Media.VOICE,
            "FAKE0009/voice.ogg",
            ref="300000000000003",
            mime=OGG,
            name="voice.ogg",
            size=7042,
            transcript="Olá, preciso de ajuda com meu pedido",
        )
    ],
    "voice-no-transcript": [
        file(
            10,
            Media.VOICE,
            "FAKE0009/voice.ogg",
            ref="300000000000004",
            mime=OGG,
            name="voice.ogg",
            size=7042,
        )
    ],
    "video": [
        file(
            11,
            Media.VIDEO,
            "FAKE0010/video.mp4",
            ref="300000000000005",
            mime="video/mp4",
            name="video.mp4",
            size=913224,
            text="Vídeo do produto",
        )
    ],
    "document": [
        file(
            12,
            Media.DOCUMENT,
            "FAKE0011/pedido-1042.pdf",
            ref="300000000000006",
            mime="application/pdf",
            name="pedido-1042.pdf",
            size=120034,
            text="Segue o pedido",
        )
    ],
    "sticker": [
        file(
            13,
            Media.STICKER,
            "FAKE0012/sticker.webp",
            ref="300000000000007",
            mime="image/webp",
            name="sticker.webp",
            size=20332,
        )
    ],
    "contacts": [
        said(15, attachments=(Attachment(Media.CONTACT, text="Carlos Lima: +55 11 99999-0002"),))
    ],
    "reaction": [other(Kind.REACTION, "r", 17, text="👍", reply_to=wamid(900001))],
    "reaction-removed": [other(Kind.REACTION, "r", 19, text="", reply_to=wamid(900001))],
    "reply": [said(21, text="1042", reply_to=wamid(900001))],
    "button-reply": [said(24, text="Sim", button="sim", reply_to=wamid(900002))],
    "list-reply": [said(26, text="Segunda 10h", button="slot-1", reply_to=wamid(900003))],
    "template-quick-reply": [
        said(28, text="Continuar", button="CONTINUAR", reply_to=wamid(900004))
    ],
    "edited-message": [
        replace(
            other(Kind.EDIT, "e", 30, text="Oi, tudo bem? (corrigido)"), message_id=wamid(900005),
            original=f"m:{wamid(900005)}",
        )
    ],
    "revoked-message": [
        replace(other(Kind.REVOKE, "x", 32), message_id=wamid(900005), original=f"m:{wamid(900005)}")
    ],
    "unsupported": [
        replace(
            other(Kind.EVENT, "m", 33),
            event="message.unsupported",
            detail={"code": 131051, "title": "Message type unknown"},
        )
    ],
    "history-sync": [
        replace(
            said(36),
            kind=Kind.EVENT,
            ext=f"n:message.history:{wamid(36)}",
            at=datetime(2025, 10, 3, 13, tzinfo=UTC),
            event="message.history",
            ignore="history",
        )
    ],
    "batch-3": [
        said(37, text="oi"),
        said(38, text="tudo bem?"),
        said(39, text="queria um orçamento"),
    ],
    "batch-1": [said(40, text="só uma")],
    "status-sent": [
        fate("sent", 500),
        Inbound(
            Kind.OWN, f"o:{wamid(800001)}", chat=CHAT, contact=ANA, message_id=wamid(800001), at=at(500),
            text="Olá Ana! Como posso ajudar?", by="api",
        ),
    ],
    "status-delivered": [fate("delivered", 502)],
    "status-read": [fate("read", 510)],
    "status-failed-24h": [
        fate(
            "failed",
            520,
            fate=Fate(
                "failed",
                (SENT,),
                code="window_closed",
                text="More than 24 hours have passed since the contact last wrote.",
            ),
            detail={"code": 131047, "title": "Re-engagement message"},
        )
    ],
    "conversation-ended": [
        event(
            "conversation.ended",
            chat=CHAT,
            contact=ANA,
            at=at(9000),
            detail={"conversation": CONVERSATION},
        )
    ],
    "conversation-inactive": [
        event(
            "conversation.inactive",
            chat=CHAT,
            contact=NAMELESS,
            at=at(0),
            detail={"minutes": 60, "conversation": CONVERSATION},
        )
    ],
    "phone-number-created": [event("phone_number.created")],
    "workflow-handoff": [
        event(
            "workflow.execution.handoff",
            at=at(0),
            detail={
                "status": "handoff",
                "workflow_id": "880e8400-0000-4000-8000-000000000001",
                "whatsapp_conversation_id": CONVERSATION,
                "reason": "User requested human assistance",
                "source": "agent_tool",
            },
        )
    ],
    "meta-text": [said(46, text="Oi, tudo bem?", contact=BOTH)],
    "meta-voice": [
        said(
            48,
            contact=BOTH,
            attachments=(Attachment(Media.VOICE, ref="300000000000003", mime=OGG),),
        )
    ],
    "meta-reply": [said(50, text="1042", reply_to=wamid(900001), contact=BOTH)],
    "meta-edited": [
        replace(
            other(Kind.EDIT, "e", 52, text="Oi, tudo bem? (corrigido)", contact=BOTH),
            message_id=wamid(900005),
            original=f"m:{wamid(900005)}",
        )
    ],
    "meta-group-text": [said(56, text="Oi grupo", chat=GROUP, group=GROUP, contact=BOTH, ours=US)],
    "meta-status-delivered": [fate("delivered", 502, contact=BOTH, fate=CALLED)],
    "meta-status-delivered-old-no-contacts": [
        fate("delivered", 502, contact=NAMELESS, fate=CALLED)
    ],
    "meta-status-played": [fate("played", 530, contact=BOTH)],
}
