"""An account with a past: conversations, deliveries, schedules and figures, as many as wanted."""

import random
from typing import Any
from uuid import UUID

from hub import ids
from hub.accounts import gateways
from hub.accounts.parameters import GatewayParameters
from hub.chat.clients import clients
from hub.chat.clients.networks import SECRETS
from hub.chat.clients.parameters import ClientParameters, LimitingParameters
from hub.runtime import Hub
from hub.sealing import digest

Json = dict[str, Any]
PEOPLE = (
    "Ana Ribeiro",
    "Tomás Okafor",
    "Mei Lin",
    "João Pereira",
    "Sofia Almeida",
    "Karl Weber",
    "Nadia Haddad",
    "Lucas Martins",
    "Ingrid Solberg",
    "Pedro Costa",
    "Amara Diallo",
    "Yuki Tanaka",
    "Elena Petrova",
    "Rafael Souza",
)
ASKED = (
    "Do you deliver to Campinas on Saturdays?",
    "What does the large bouquet cost?",
    "My order has not arrived yet.",
    "Can I change the address of order 1042?",
    "Which flowers last longest in a vase?",
    "Are you open on Sunday?",
)
SAID = (
    "Yes, until two in the afternoon. Delivery in Campinas costs nine reais.",
    "The large bouquet is 180 reais, with the vase 215.",
    "I am sorry to hear that. I have found the order: it is on its way and arrives today before six.",
    "Of course. Please send me the new address and I will change it before it leaves.",
)
REFUSED = {
    "": "",
    "telegram": "Telegram refused: Forbidden: bot was blocked by the user",
    "zapi": "Z-API refused: the number is not on WhatsApp.",
    "evolution": "Evolution refused: the number is not on WhatsApp.",
}
PLANNED = (("0 8 * * 1", "Weekly offer: ask which flowers they like."), ("30 17 * * 2,4", "Remind them of the class."))
LATER = "Ask whether the bouquet arrived."
SESSION = """
    insert into sessions (id, account_id, client_id, integration_id, contact_id, kind, tag, chat, title, message_count, token_count,
        last_user_at, last_message_at, created_at, expires_at, handoff_at, handoff_by, handoff_until)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13::timestamptz - interval '20 minutes',
        now() + interval '3 hours', $14, $15, $16)
"""
MESSAGE = """
    insert into messages (id, account_id, session_id, role, source, content, turn_id, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8)
"""
TURN = """
    insert into turns (id, account_id, session_id, from_seq, upto_seq, epoch, model, outcome, prompt_tokens, completion_tokens,
        cost, created_at, timings) values ($1, $2, $3, $4, $5, 1, 'gpt-5-mini', $6, 620, 80, 0.0021, $7, '{"total_ms": 1420}')
"""
ARRIVED = """
    insert into inbox (id, account_id, session_id, seq, body, state, turn_id, received_at)
    values ($1, $2, $3, $4, '{}', 'answered', $5, $6::timestamptz - make_interval(secs => $7))
"""
PART = """
    insert into outbox (key, account_id, session_id, turn_id, message_id, part, integration_id, chat, body, sha, mode, state, attempt,
        network_id, fate, code, error, created_at, closed_at)
    values ($1, $2, $3, $4, $5, 0, $6, $7, $8, '', 'reconcile', $9, 1, $10, $11, $12, $13, $14, $14)
"""
ATTEMPT = """
    insert into attempts (delivery_id, at, outcome, code, error, milliseconds, request, response)
    select o.id, o.created_at, o.state, o.code, o.error, 184, $2, $3 from outbox o where o.key = $1
"""


async def fill(hub: Hub, account: UUID, count: int = 14, by: UUID | None = None, seed: int = 7) -> Json:
    """Conversations over two weeks: {gateway, client, sessions, failed: a delivery}."""
    dice = random.Random(seed)
    gateway, client, links = await _places(hub, account)
    sessions, failed = [], None
    now = await hub.db.value("select now()")
    for n in range(count):
        channel = (None, "telegram", "zapi", "evolution")[n % 4]
        ago = f"{n * 40 + dice.randrange(1, 30)} minutes" if n < 12 else f"{dice.randrange(24, 330)} hours"
        at = await hub.db.value("select $1::timestamptz - $2::text::interval", now, ago)
        one = await _talk(hub, account, client, links.get(channel), channel, n, at, by, dice)
        sessions.append(one["session"])
        failed = failed or one["failed"]
    await _planned(hub, account, client)
    return {"gateway": gateway, "client": client, "sessions": sessions, "failed": failed}


async def _places(hub: Hub, account: UUID) -> tuple[UUID, UUID, dict[str | None, UUID]]:
    p = GatewayParameters.model_validate(
        {
            "baseAddress": "https://models.example/v1",
            "modelName": "gpt-5-mini",
            "apiKey": "sk-models-0123456789abcdef",
            "systemInstruction": "You are the assistant of Aurora, a flower shop in Campinas. Be brief and friendly.",
        }
    )
    gateway = await gateways.add(hub.db, hub.sealer, hub.outbound.guard, account, "Shop assistant", p)
    looks = ClientParameters(page_title="Aurora flowers")
    client = await clients.add(hub.db, account, "Aurora", gateway, LimitingParameters(), looks)
    links: dict[str | None, UUID] = {}
    for channel, state in (("telegram", "registered"), ("zapi", "registered"), ("evolution", "not_registered")):
        links[channel] = id = ids.uuid7()
        secrets = {name: f"secret-of-{channel}-{name}" for name in SECRETS[channel]} | {"webhookSecret": id.hex}
        await hub.db.run(
            "insert into integrations (id, account_id, client_id, channel, settings, secrets, secret_hash, mode, state, state_text)"
            " values ($1, $2, $3, $4, '{}', $5, $6, 'reconcile', $7, $8)",
            id,
            account,
            client,
            channel,
            hub.sealer.seal_map("integrations.secrets", id, secrets),
            digest(id.hex),
            state,
            None if state == "registered" else "The server knows the instance, but its WhatsApp connection is close.",
        )
    return gateway, client, links


async def _talk(
    hub: Hub,
    account: UUID,
    client: UUID,
    link: UUID | None,
    channel: str | None,
    n: int,
    at: Any,
    by: UUID | None,
    dice: random.Random,
) -> Json:
    session, name, contact = ids.uuid7(), PEOPLE[n % len(PEOPLE)], None
    if link is not None:
        contact = ids.uuid7()
        await hub.db.run(
            "insert into contacts (id, account_id, integration_id, name, phone, username, language) values ($1,$2,$3,$4,$5,$6,'pt')",
            contact,
            account,
            link,
            name,
            f"55199{n:08d}",
            name.split()[0].lower(),
        )
    held, waiting = n % 5 == 1, n % 3 == 1
    words = ASKED[n % len(ASKED)]
    await hub.db.run(
        SESSION,
        session,
        account,
        client,
        link,
        contact,
        "channel" if link else "web",
        f"zp_{channel}:{n}@x" if link else f"visitor-{n}",
        f"55199{n:08d}",
        words,
        3,
        1400,
        at,
        at if waiting else at,
        at if held else None,
        by if held else None,
        None,
    )
    if not waiting:
        await hub.db.run(
            "update sessions set last_user_at = last_message_at - interval '1 minute' where id = $1", session
        )
    failed = None
    for step, (role, source, text) in enumerate(_lines(n, held, waiting)):
        turn = ids.uuid7() if source == "model" else None
        when = await hub.db.value("select $1::timestamptz - make_interval(secs => $2)", at, float(90 - 30 * step))
        message = ids.uuid7()
        if turn:
            outcome = "failed" if n == 9 else "answered"
            await hub.db.run(TURN, turn, account, session, step * 2, step * 2 + 1, outcome, when)
            await hub.db.run(ARRIVED, ids.uuid7(), account, session, step * 2 + 1, turn, when, 1.2 + n % 5)
        await hub.db.run(MESSAGE, message, account, session, role, source, {"text": text}, turn, when)
        if role == "assistant" and link is not None:
            key, bad = ids.uuid7(), n % 7 == 2
            await hub.db.run(
                PART,
                key,
                account,
                session,
                turn,
                message,
                link,
                f"55199{n:08d}",
                {"text": text, "plain": text},
                "dead" if bad else "sent",
                None if bad else f"3EB0{n:08X}",
                None if bad else ("delivered", "read")[n % 2],
                "403" if bad else None,
                REFUSED[channel or ""] if bad else None,
                when,
            )
            await hub.db.run(
                ATTEMPT,
                key,
                {"method": "POST", "path": "sendMessage", "body": {"chat_id": f"55199{n:08d}", "text": text}},
                {
                    "status": 403 if bad else 200,
                    "body": '{"ok":false,"error_code":403,"description":"Forbidden"}' if bad else '{"ok":true}',
                },
            )
            failed = key if bad else failed
    return {"session": session, "failed": failed}


def _lines(n: int, held: bool, waiting: bool) -> list[tuple[str, str, str]]:
    lines = [
        ("user", "contact", "Hello!"),
        ("assistant", "model", "Hello! How can I help you?"),
        ("user", "contact", ASKED[n % len(ASKED)]),
    ]
    if not waiting:
        lines.append(("assistant", "operator" if held else "model", SAID[n % len(SAID)]))
    return lines


async def _planned(hub: Hub, account: UUID, client: UUID) -> None:
    for n, (cron, text) in enumerate(PLANNED):
        await hub.db.run(
            "insert into schedules (id, account_id, client_id, kind, external_user, channel, address, instruction, zone, cron, next_at,"
            " state) values ($1, $2, $3, 'recurring', $4, 'telegram', '700', $5, 'America/Sao_Paulo', $6, now() + interval '1 day', $7)",
            ids.uuid7(),
            account,
            client,
            f"customer-{n}",
            text,
            cron,
            "active" if n == 0 else "paused",
        )
    await hub.db.run(
        "insert into schedules (id, account_id, client_id, kind, external_user, channel, address, instruction, zone, scheduled_at,"
        " next_at) values ($1, $2, $3, 'once', 'customer-9', 'zapi', '5519900000009', $4, 'UTC',"
        " now() + interval '3 hours', now() + interval '3 hours')",
        ids.uuid7(),
        account,
        client,
        LATER,
    )
