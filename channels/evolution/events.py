"""Items that are no messages: fates, connection, presence, membership, calls."""

from typing import Any

from channels import jid, loose
from channels.evolution.who import who
from channels.inbound import Contact, Fate, Inbound, Kind
from channels.loose import first, moment, obj, objs, text

Json = dict[str, Any]

STATES = {
    "ERROR": "failed",
    "PENDING": "queued",
    "SERVER_ACK": "sent",
    "DELIVERY_ACK": "delivered",
    "READ": "read",
    "PLAYED": "played",
    "0": "failed",
    "1": "queued",
    "2": "sent",
    "3": "delivered",
    "4": "read",
    "5": "played",
}


def status(data: Json, me: str | None) -> Inbound:
    """messages.update: the fate of a message that we sent."""
    key = obj(data.get("key")) or {**data, "id": data.get("keyId")}
    message_id = first(data.get("keyId"), key.get("id"))
    author = who(key, None, me)
    given = first(data.get("status"), obj(data.get("update")).get("status")) or "unknown"
    participant = text(data.get("participant"))
    ext = loose.key("s", given, participant, message_id or loose.digest(data))
    state = STATES.get(given)
    # A message of a contact also gets states: the one that we have read it, for instance.
    if message_id is None or state is None or not author.own:
        name = f"status.{given.lower()[:60]}"
        chat = author.chat
        return Inbound(
            Kind.EVENT, ext, chat=chat, message_id=message_id, group=author.group, event=name
        )
    failed = state == "failed"
    words = "WhatsApp did not accept the message" if failed else None
    return Inbound(
        Kind.STATUS,
        ext,
        chat=author.chat,
        message_id=message_id,
        group=author.group,
        fate=Fate(state, (message_id,), code="error" if failed else None, text=words),
        detail=loose.scalars(data, "participant"),
    )


def votes(data: Json, me: str | None) -> list[Inbound]:
    """messages.update of a poll: what each voter has chosen by now is a message of the voter."""
    chosen: dict[str, list[str]] = {}
    for option in objs(data.get("pollUpdates")):
        listed = option.get("voters")
        for voter in (v for v in (listed if isinstance(listed, list) else []) if text(v)):
            chosen.setdefault(voter, []).append(text(option.get("name")) or "")
    key = obj(data.get("key")) or {**data, "id": data.get("keyId")}
    poll = first(data.get("keyId"), key.get("id"))
    chat, found = who(key, None, me), []
    for voter, names in chosen.items():
        lid, phone = jid.pick([voter])
        if not any(names) or not (lid or phone) or phone == jid.phone(me) or chat.ignore:
            continue
        words = ", ".join(n for n in names if n)
        found.append(
            Inbound(
                Kind.MESSAGE,
                loose.key("v", poll, voter, words),
                chat=chat.chat,
                contact=Contact(jid.ids(lid, phone), phone=phone),
                at=moment(data.get("messageTimestamp")),
                text=words,
                reply_to=poll,
                group=chat.group,
                mentioned=chat.group is not None,
            )
        )
    return found


def connection(event: str, body: Json) -> Inbound:
    data = obj(body.get("data"))
    state = text(data.get("state")) or "unknown"
    return _event(body, f"connection.{state[:60]}", loose.scalars(data, "statusReason", "wuid"))


def qrcode(event: str, body: Json) -> Inbound:
    data = obj(body.get("data"))
    # The code itself opens the account to whoever scans it, so it is not kept.
    if data.get("qrcode"):
        return _event(body, "qrcode.updated", {})
    return _event(body, "qrcode.limit", loose.scalars(data, "message", "statusCode"))


def presence(event: str, body: Json) -> Inbound:
    data = obj(body.get("data"))
    chat = text(data.get("id")) or ""
    found = next(iter(obj(data.get("presences")).values()), None)
    state = text(obj(found).get("lastKnownPresence")) or "unknown"
    return _event(body, f"presence.{state[:60]}", {}, chat)


def participants(event: str, body: Json) -> Inbound:
    data = obj(body.get("data"))
    group = text(data.get("id")) or ""
    listed = data.get("participants")
    people = [_address(p) for p in listed] if isinstance(listed, list) else []
    detail = {**loose.scalars(data, "author", "action"), "participants": [p for p in people if p]}
    name = f"group.participants.{(text(data.get('action')) or 'unknown')[:60]}"
    return _event(body, name, detail, group)


def plain(event: str, body: Json) -> Inbound:
    """Any other event, by its own name; the history and address books only by their size."""
    data = objs(body.get("data"))
    one = data[0] if len(data) == 1 else {}
    shown = loose.scalars(
        one, "status", "state", "disconnectionReasonCode", "isVideo", "offline", "id", "action"
    )
    chat = first(one.get("chatId"), one.get("remoteJid"), one.get("from")) or ""
    name = f"{event[:60]}.{text(one.get('status')) or 'unknown'}" if event == "call" else event
    if event == "status.instance":
        name = f"instance.{(text(one.get('status')) or 'unknown')[:60]}"
    history = event in ("messages.set", "messaging-history.set")
    return _event(
        body,
        name[:120],
        {**shown, "count": len(data)},
        chat,
        ignore="history" if history else None,
    )


def _event(
    body: Json, name: str, detail: Json, chat: str = "", ignore: str | None = None
) -> Inbound:
    group = chat if jid.kind(chat) == "group" else None
    lid, phone = jid.pick([chat])
    ids = jid.ids(lid, phone)
    return Inbound(
        Kind.EVENT,
        # A retry repeats the body to the letter, a new event has another date_time.
        loose.key("u", loose.digest(body)),
        chat=phone or chat,
        contact=Contact(ids, phone=phone) if ids else None,
        at=moment(obj(body.get("data")).get("date")),
        group=group,
        event=name,
        detail=detail,
        ignore=ignore,
    )


def _address(participant: Any) -> str | None:
    return text(participant) or first(
        obj(participant).get("phoneNumber"), obj(participant).get("id"), obj(participant).get("jid")
    )
