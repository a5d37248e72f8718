"""The items that the files in payloads/evolution must become."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from channels.base import Link
from channels.inbound import Attachment, Contact, Fate, Inbound, Kind, Media
from tests.channels.replay import load

LINK = Link(
    "link",
    {
        "endpointUrl": "https://evo.example.com",
        "instanceName": "hub-teste",
        "apiKey": "FAKE-INSTANCE-TOKEN-0001",
    },
    "fake-secret-0001",
    "https://hub.example.com/webhooks/evolution/hub-teste",
)
START = datetime(2026, 1, 1, 13, tzinfo=UTC)
CHAT = "5511999990000"
GROUP = "120363040000000001@g.us"
BIA = Contact(("phone:5511999990001",), name="Bia", phone="5511999990001")
BARE = Contact(("phone:5511999990000",), phone=CHAT)
NAMED = replace(BARE, name="Ana Souza")
ANA = replace(NAMED, ids=("lid:181234567890123", "phone:5511999990000"))
OURS = "3EB0AAAAAAAAAAAAAAAA01"
SENT = "3EB0AAAAAAAAAAAAAAAA02"
REPLY: dict[str, Any] = {"reply_to": OURS, "quote": "Qual o número do seu pedido?"}
OGG = "audio/ogg; codecs=opus"
BASE64 = "RkFLRS1NRURJQS1CWVRFUw=="


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def name(number: str) -> str:
    """The made up message ids differ in two digits."""
    return f"AC1000{number}D4E5F60718293A4BD4E5F607"


def said(number: str, seconds: int, **more: Any) -> Inbound:
    found = name(number)
    whole = {"chat": CHAT, "contact": ANA, "at": at(seconds), "age_matters": True, **more}
    return Inbound(Kind.MESSAGE, f"m:{found}", message_id=found, **whole)


def file(number: str, seconds: int, attachment: Attachment, **more: Any) -> Inbound:
    held = replace(attachment, ref=name(number))
    return said(number, seconds, attachments=(held,), **more)


def event(found: str, **more: Any) -> Inbound:
    return Inbound(Kind.EVENT, "u", event=found, **more)


def fate(state: str, status: str, **more: Any) -> Inbound:
    whole = {"chat": CHAT, "fate": Fate(state, (SENT,)), **more}
    return Inbound(Kind.STATUS, f"s:{status}::{SENT}", message_id=SENT, **whole)


def change(kind: Kind, ext: str, **more: Any) -> Inbound:
    whole = {"chat": CHAT, "contact": BARE, "message_id": name("01"), "age_matters": True, **more}
    original = None if kind is Kind.EVENT else f"m:{name('01')}"
    return Inbound(kind, ext, original=original, **whole)


def card(text: str) -> Attachment:
    return Attachment(Media.CONTACT, text=text)


IMAGE = Attachment(Media.IMAGE, mime="image/jpeg", size=48213)
VOICE = Attachment(Media.VOICE, mime=OGG, size=7042, seconds=3)
STORED = load("evolution", "image-mediaurl")["data"]["message"]["mediaUrl"]
OPEN = {"statusReason": 200, "wuid": "5511988880000@s.whatsapp.net"}
IGNORED: dict[str, Any] = {
    "event": "message.ignored",
    "detail": {"messageType": "conversation"},
}

EXPECTED = {
    "text": said("01", 1, text="Oi, tudo bem?"),
    "text-extended": said("02", 2, text="Veja https://example.com/promo *agora*"),
    "text-lid-2.3.6": said(
        "04",
        4,
        text="Mensagem de contato endereçado por LID (2.3.5/2.3.6: chave crua do Baileys)",
    ),
    "text-lid-only": said(
        "05",
        5,
        text="Mensagem de LID sem telefone conhecido",
        chat="181234567890999@lid",
        contact=Contact(("lid:181234567890999",), name="Caio"),
    ),
    "image": file("08", 8, IMAGE, text="Olha essa foto"),
    "image-base64": file("09", 9, replace(IMAGE, data=BASE64), text="Olha essa foto"),
    "image-mediaurl": file("0A", 10, replace(IMAGE, url=STORED)),
    "voice": file("0B", 11, VOICE),
    "voice-base64": file("0C", 12, replace(VOICE, data=BASE64)),
    "audio-file": file(
        "0D", 13, Attachment(Media.AUDIO, mime="audio/mpeg", size=7042, seconds=187)
    ),
    "video-note": file("0F", 15, Attachment(Media.VIDEO, mime="video/mp4", size=913224, seconds=9)),
    "document": file(
        "10",
        16,
        Attachment(Media.DOCUMENT, mime="application/pdf", name="pedido-1042.pdf", size=120034),
    ),
    "sticker": file("12", 18, Attachment(Media.STICKER, mime="image/webp", size=20332)),
    "location": said(
        "13",
        19,
        attachments=(
            Attachment(
                Media.LOCATION,
                text="MASP\nAv. Paulista, 1578 - São Paulo\n-23.561414, -46.655881\n"
                "https://masp.example.com",
            ),
        ),
    ),
    "contacts-array": said(
        "16",
        22,
        attachments=(card("Carlos Lima: +55 11 99999-0002"), card("Duda: +55 11 99999-0003")),
    ),
    "reaction": replace(
        said("17", 23, text="👍", reply_to=OURS), kind=Kind.REACTION, ext=f"r:{name('17')}"
    ),
    "reaction-removed": replace(
        said("18", 24, text="", reply_to=OURS), kind=Kind.REACTION, ext=f"r:{name('18')}"
    ),
    "reply": said("19", 25, text="1042", **REPLY),
    "reply-with-image": file("1A", 26, IMAGE, text="este aqui", **REPLY),
    "button-reply": said("1B", 27, text="Sim", button="sim", **REPLY),
    "view-once-image": file("1D", 29, IMAGE, text="só uma vez"),
    "ephemeral-text": said("1E", 30, text="mensagem temporária"),
    "group-text": said(
        "20",
        32,
        text="Oi grupo",
        chat=GROUP,
        group=GROUP,
        contact=replace(BIA, ids=("lid:181234567890124", "phone:5511999990001")),
    ),
    "group-mention": said(
        "21",
        33,
        text="@5511988880000 pode ajudar?",
        chat=GROUP,
        group=GROUP,
        contact=BIA,
        mentioned=True,
        named=("phone:5511988880000",),
    ),
    "status-broadcast": replace(
        said("22", 34, chat="status@broadcast", contact=NAMED, ignore="broadcast", **IGNORED),
        kind=Kind.EVENT,
    ),
    "newsletter": replace(
        said(
            "23",
            35,
            chat="120363000000000009@newsletter",
            contact=None,
            ignore="newsletter",
            **IGNORED,
        ),
        kind=Kind.EVENT,
    ),
    "legacy-2.2.3-text": said("24", 36, text="Oi (2.2.3)", contact=NAMED),
    "legacy-2.2.3-image": file("25", 37, IMAGE, text="Olha essa foto", contact=NAMED),
    "legacy-2.2.3-voice-base64": file("26", 38, replace(VOICE, data=BASE64), contact=NAMED),
    "legacy-2.2.3-reply": said("27", 39, text="sim", contact=NAMED, **REPLY),
    "from-me-phone": Inbound(
        Kind.OWN,
        "m:3A1122334455667788AA",
        chat=CHAT,
        contact=replace(ANA, name=None),
        message_id="3A1122334455667788AA",
        at=at(33),
        text="Respondido pelo celular",
        by="human",
        age_matters=True,
    ),
    "send-message": Inbound(
        Kind.OWN,
        f"o:{SENT}",
        chat=CHAT,
        contact=BARE,
        message_id=SENT,
        at=at(35),
        text="Olá Ana! Como posso ajudar?",
        by="api",
        age_matters=True,
    ),
    "message-edited": change(
        Kind.EDIT, f"e:{name('01')}:1767272460000", at=at(60), text="Oi, tudo bem? (corrigido)"
    ),
    "message-edited-extended": change(
        Kind.EDIT,
        f"e:{name('01')}:1767272461000",
        at=at(61),
        text="texto *editado* https://example.com",
    ),
    "message-edited-revoke": change(Kind.REVOKE, f"x:{name('01')}"),
    "message-edited-ephemeral-setting": change(Kind.EVENT, "u", event="protocol.ephemeral_setting"),
    "update-delivered": fate("delivered", "DELIVERY_ACK"),
    "update-read": fate("read", "READ"),
    "update-played": fate("played", "PLAYED"),
    "update-error": fate(
        "failed",
        "ERROR",
        fate=Fate("failed", (SENT,), code="error", text="WhatsApp did not accept the message"),
    ),
    "update-group-read": replace(
        fate("read", "READ", chat=GROUP, group=GROUP),
        ext=f"s:READ:5511999990001@s.whatsapp.net:{SENT}",
        detail={"participant": "5511999990001@s.whatsapp.net"},
    ),
    "connection-connecting": event("connection.connecting", detail={"statusReason": 200}),
    "connection-open": event("connection.open", detail=OPEN),
    "connection-refused": event("connection.refused", detail={**OPEN, "statusReason": 428}),
    "status-instance-closed": event(
        "instance.closed",
        detail={"status": "closed", "disconnectionReasonCode": 401, "count": 1},
    ),
    "qrcode-updated": event("qrcode.updated"),
    "qrcode-limit": event(
        "qrcode.limit",
        detail={"message": "QR code limit reached, please login again", "statusCode": 500},
    ),
    "presence-recording": event("presence.recording", chat=CHAT, contact=BARE),
    "group-participants-update": event(
        "group.participants.add",
        chat=GROUP,
        group=GROUP,
        detail={
            "author": "181234567890124@lid",
            "action": "add",
            "participants": ["181234567890123@lid"],
        },
    ),
    "call-offer": event(
        "call.offer",
        chat=CHAT,
        contact=BARE,
        at=at(0),
        detail={
            "status": "offer",
            "isVideo": False,
            "offline": False,
            "id": "FAKECALL0001",
            "count": 1,
        },
    ),
    "chats-upsert": event("chats.upsert", chat=CHAT, contact=BARE, detail={"count": 1}),
    "contacts-update": event("contacts.update", chat=CHAT, contact=BARE, detail={"count": 1}),
}
