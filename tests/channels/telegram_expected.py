"""What the payload files of Telegram must be read as."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from channels.base import Link
from channels.inbound import Attachment, Contact, Inbound, Kind, Media

LINK = Link(
    "link",
    {"botToken": "110000001:AAFakeFakeFakeFakeFakeFakeFakeFakeX"},
    "fake-secret-token_0001",
    "https://hub.example.com/webhooks/telegram/c/fake-secret-token_0001",
    handle="hub_teste_bot",
)
START = datetime(2026, 1, 1, 13, 1, 41, tzinfo=UTC)  # when message 101 was sent
ANA = Contact(("tg:700000001",), "Ana Souza", username="ana_souza_teste", language="pt-br")
BIA = Contact(("tg:700000002",), "Bia", language="pt-br")
CHAT, GROUP, SUPER = "700000001", "-4100000001", "-1001900000001"
POINT = "-23.561414, -46.655881"


def ref(kind: str, n: int) -> str:
    return f"{kind}CCAACAgEAAxkBAAIBfake{n:04}AAFakeFileIdNotReal"


def said(n: int, update: int, text: str = "", **rest: Any) -> Inbound:
    """Ana's message number `n` of her private chat."""
    at = START + timedelta(seconds=n - 101)
    item = Inbound(Kind.MESSAGE, f"u{900000000 + update}", CHAT, ANA, str(n), at, text)
    return replace(item, **rest)


def in_group(n: int, update: int, chat: str, title: str, text: str = "", **rest: Any) -> Inbound:
    return said(n, update, text, chat=chat, contact=BIA, group=title, **rest)


def file(media: Media, kind: str, n: int, mime: str, size: int, **rest: Any) -> tuple[Attachment]:
    return (replace(Attachment(media, ref(kind, n), mime=mime, size=size), **rest),)


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


EXPECTED: Mapping[str, Inbound] = {
    "text": said(101, 1, "Oi, tudo bem?"),
    "text-4096": said(104, 4, "a" * 4096),
    "photo-album-1": said(
        106,
        6,
        "álbum",
        attachments=file(Media.IMAGE, "AgA", 6, "image/jpeg", 90000),
        album="13900000000000001",
    ),
    "photo-album-2": said(
        107,
        7,
        attachments=file(Media.IMAGE, "AgA", 8, "image/jpeg", 91000),
        album="13900000000000001",
    ),
    "voice": said(108, 8, attachments=file(Media.VOICE, "AwA", 9, "audio/ogg", 14021, seconds=3)),
    "audio": said(
        109,
        9,
        attachments=file(
            Media.AUDIO,
            "CQA",
            10,
            "audio/mpeg",
            3012345,
            name="musica.mp3",
            seconds=187,
            text="Banda - Música",
        ),
    ),
    "document": said(
        110,
        10,
        "Segue o pedido",
        attachments=file(
            Media.DOCUMENT, "BQA", 11, "application/pdf", 120034, name="pedido-1042.pdf"
        ),
    ),
    "video": said(
        111,
        11,
        "Vídeo do produto",
        attachments=file(Media.VIDEO, "BAA", 12, "video/mp4", 913224, name="video.mp4", seconds=9),
    ),
    "video-note": said(
        112, 12, attachments=file(Media.VIDEO, "DQA", 13, "video/mp4", 512000, seconds=5)
    ),
    "animation": said(
        113,
        13,
        attachments=file(Media.VIDEO, "CgA", 14, "video/mp4", 81234, name="gif.mp4", seconds=2),
    ),
    "location": said(115, 15, attachments=(Attachment(Media.LOCATION, text=POINT),)),
    "venue": said(
        117,
        17,
        attachments=(Attachment(Media.LOCATION, text=f"MASP, Av. Paulista, 1578, {POINT}"),),
    ),
    "contact": said(
        118, 18, attachments=(Attachment(Media.CONTACT, text="Carlos Lima, 5511999990002"),)
    ),
    "reply": said(120, 20, "1042", reply_to="99", quote="Qual o número do seu pedido?"),
    "reply-quote": said(121, 21, "sobre isto", reply_to="99", quote="número do seu pedido"),
    "forwarded": said(122, 22, "encaminhada", forwarded=True),
    "edited-message": said(101, 23, "Oi, tudo bem? (corrigido)", kind=Kind.EDIT, at=at(1767272800)),
    "group-text": in_group(124, 24, GROUP, "Grupo Simples", "Oi grupo"),
    "supergroup-mention": in_group(
        125, 25, SUPER, "Grupo de Teste", "@hub_teste_bot pode ajudar?", mentioned=True
    ),
    "forum-topic-text": in_group(127, 27, f"{SUPER}:55", "Grupo de Teste", "no tópico"),
    "group-new-member-bot": in_group(
        128, 28, GROUP, "Grupo Simples", kind=Kind.EVENT, event="service.new_chat_participant"
    ),
    "channel-post": Inbound(
        Kind.EVENT,
        "u900000030",
        "-1001900000002",
        Contact(("tg:-1001900000002",), "Canal de Teste", username="canal_teste"),
        "130",
        at(1767272530),
        "notícia",
        event="channel_post",
        ignore="a channel's post",
    ),
    "reaction": Inbound(
        Kind.REACTION, "u900000031", CHAT, ANA, at=at(1767272900), text="👍", reply_to="99"
    ),
    "callback-query": Inbound(
        Kind.MESSAGE,
        "u900000033",
        CHAT,
        ANA,
        text="Sim",
        button="sim",
        reply_to="99",
        callback="3006477107000000001",
    ),
    "my-chat-member-blocked": Inbound(
        Kind.EVENT,
        "u900000034",
        CHAT,
        ANA,
        at=at(1767273000),
        event="bot.blocked",
        detail={"old": "member", "new": "kicked"},
    ),
    "my-chat-member-unblocked": Inbound(
        Kind.EVENT,
        "u900000035",
        CHAT,
        ANA,
        at=at(1767273100),
        event="bot.unblocked",
        detail={"old": "kicked", "new": "member"},
    ),
    "unknown-update-type": Inbound(Kind.EVENT, "u900000036", event="future_update_type"),
}
