"""An account with half a million conversations behind it, filled by SQL within minutes."""

import time
from dataclasses import dataclass
from uuid import UUID

from hub import ids
from hub.accounts import gateways, sign_in
from hub.accounts.accounts import create_account
from hub.accounts.keys import grant
from hub.accounts.parameters import GatewayParameters
from hub.runtime import Hub
from hub.store import operators
from hub.store.db import Db
from tests.bench.years import INDEXES, LONG, SESSION
from tests.conftest import owning

MANY, STEP, DAYS, PER = 500_000, 25_000, 365, 4
# What is made of one piece of the conversations, in turn. $1: the account, $2: its client, $3 and $4: from which to which, of $5.
HELP = (
    "select set_config('bench.begun', now()::text, false)",
    """create function pg_temp.moment(_g int, _many int) returns timestamptz language sql stable as $$
        select current_setting('bench.begun')::timestamptz - _g * interval '365 days' / _many
    $$""",
    """create function pg_temp.made(_kind text, _g int, _many int) returns uuid language sql stable as $$
        select overlay(overlay(md5(_kind || _g) placing
            lpad(to_hex((extract(epoch from pg_temp.moment(_g, _many)) * 1000)::bigint), 12, '0') from 1) placing '7' from 13)::uuid
    $$""",
)
PIECES = (
    """insert into people (id, account_id, root_id, created_at, opted_out_at, opted_out_by)
        select pg_temp.made('p', g, $5), $1, pg_temp.made('p', g, $5), pg_temp.moment(g, $5),
            case when g % 50 = 0 then now() - interval '1 day' end, case when g % 50 = 0 then 'person' end
        from generate_series($3::int, $4) g where $2::uuid is not null""",
    """insert into identities (account_id, key, value, source, person_id)
        select $1, 'phone:5511' || lpad(g::text, 9, '0'), '5511' || lpad(g::text, 9, '0'), 'network', pg_temp.made('p', g, $5)
        from generate_series($3::int, $4) g where $2::uuid is not null""",
    """insert into contacts (id, account_id, integration_id, name, phone, person_id, created_at)
        select pg_temp.made('c', g, $5), $1, l.id, (array['Ana', 'João', 'Maria', 'Pedro', 'Luísa', 'Carlos', 'Beatriz', 'Rafael', 'Sofia', 'Miguel'])[1 + abs(hashint4(g)) % 10]
                || ' ' || chr(65 + abs(hashint4(-g)) % 26) || chr(97 + g % 5) || 'lmeida ' || g, '5511' || lpad(g::text, 9, '0'), pg_temp.made('p', g, $5),
            pg_temp.moment(g, $5)
        from generate_series($3::int, $4) g, integrations l where l.client_id = $2""",
    """insert into contact_ids (integration_id, value, contact_id)
        select l.id, '5511' || lpad(g::text, 9, '0'), pg_temp.made('c', g, $5)
        from generate_series($3::int, $4) g, integrations l where l.client_id = $2 and l.account_id = $1""",
    """insert into contact_origins (person_id, account_id, at, channel, client_id)
        select pg_temp.made('p', g, $5), $1, pg_temp.moment(g, $5), 'telegram', $2
        from generate_series($3::int, $4) g""",
    """insert into sessions (id, account_id, client_id, integration_id, contact_id, person_id, kind, tag, chat, title,
            message_count, last_seq, done_seq, last_user_at, last_message_at, closed_at, created_at)
        select pg_temp.made('s', g, $5), $1, $2, l.id, pg_temp.made('c', g, $5), pg_temp.made('p', g, $5), 'channel', 'p' || g, g::text,
            'Question ' || g, 4, 2, 2, t.at - interval '1 minute' * (g % 3), t.at, case when g > 5000 then t.at end, t.at
        from generate_series($3::int, $4) g, lateral (select pg_temp.moment(g, $5) as at) t,
            integrations l where l.client_id = $2""",
    """insert into session_order (session_id, account_id, at, unanswered)
        select s.id, s.account_id, s.last_message_at, is_unanswered(s)
        from generate_series($3::int, $4) g join sessions s on s.id = pg_temp.made('s', g, $5)
        where s.account_id = $1 and $2::uuid is not null""",
    """insert into messages (id, account_id, session_id, role, source, content, turn_id, created_at)
        select pg_temp.made(n || 'm', g, $5), $1, pg_temp.made('s', g, $5),
            case when n % 2 = 0 then 'assistant' else 'user' end, case when n % 2 = 0 then 'model' else 'contact' end,
            jsonb_build_object('text', 'Message ' || n || ' of person ' || g), pg_temp.made(n / 2 * 2 || 't', g, $5), t.at
        from generate_series($3::int, $4) g, generate_series(1, 4) n,
            lateral (select pg_temp.moment(g, $5) - make_interval(secs => 40 - n * 10) as at) t
        where $2::uuid is not null order by t.at""",
    """insert into turns (id, account_id, session_id, from_seq, upto_seq, epoch, model, outcome, prompt_tokens, completion_tokens, cost,
            created_at)
        select pg_temp.made(n || 't', g, $5), $1, pg_temp.made('s', g, $5), n / 2 - 1, n / 2, 1, 'fake-1',
            case when g % 200 = 0 then 'failed' else 'answered' end, 500, 60, 0.001, pg_temp.moment(g, $5)
        from generate_series($3::int, $4) g, (values (2), (4)) v(n) where $2::uuid is not null""",
    """insert into inbox (id, account_id, session_id, seq, body, state, turn_id, received_at)
        select pg_temp.made(n || 'i', g, $5), $1, pg_temp.made('s', g, $5), n, '{}', 'answered', pg_temp.made(n * 2 || 't', g, $5),
            pg_temp.moment(g, $5) - interval '3 seconds'
        from generate_series($3::int, $4) g, generate_series(1, 2) n where $2::uuid is not null and g < 120000""",
    """insert into outbox (key, account_id, session_id, turn_id, integration_id, chat, body, sha, mode, state, network_id, error, created_at,
            closed_at)
        select pg_temp.made(n || 'o', g, $5), $1, pg_temp.made('s', g, $5), pg_temp.made(n || 't', g, $5), l.id, g::text, '{"text": "Hello"}', '',
            'reconcile', case when g % 150 = 0 then 'dead' else 'sent' end, g::text, case when g % 150 = 0 then 'refused' end, t.at, t.at
        from generate_series($3::int, $4) g, (values (2), (4)) v(n), integrations l,
            lateral (select pg_temp.moment(g, $5) as at) t where l.client_id = $2""",
    """insert into usage (account_id, gateway_id, session_id, turn_id, sku, quantity, unit_price, amount, description, at)
        select $1, c.gateway_id, pg_temp.made('s', g, $5), pg_temp.made('2t', g, $5), 'inference.chat_completions.' || k, 500, 0.000001, 0.0005,
            'fake-1', pg_temp.moment(g, $5)
        from generate_series($3::int, $4) g, (values ('in'), ('out')) v(k), clients c where c.id = $2""",
    """insert into happenings (account_id, client_id, session_id, kind, detail, at)
        select $1, $2, pg_temp.made('s', g, $5), case when g % 3 = 0 then 'asked' else 'feedback' end, '{"rating": "good"}',
            pg_temp.moment(g, $5)
        from generate_series($3::int, $4) g where g % 5 = 0""",
    """insert into human_requests (session_id, account_id, state, asked_by, reason, asked_at)
        select pg_temp.made('s', g, $5), $1, case when g < 2000 then 'waiting' else 'answered' end, 'words', '{"text": "wants a person"}',
            pg_temp.moment(g, $5)
        from generate_series($3::int, $4) g where g % 40 = 0 and $2::uuid is not null""",
    """insert into schedules (id, account_id, client_id, kind, external_user, channel, address, instruction, next_at, scheduled_at, zone, state)
        select pg_temp.made('h', g, $5), $1, $2, 'once', 'p' || g, 'telegram', g::text, 'Say hello', t.at, t.at, 'UTC',
            case when t.at > now() then 'active' else 'done' end
        from generate_series($3::int, $4) g, lateral (select now() + (2500 - g) * interval '9 minutes' as at) t where g % 10 = 0
           """,
    """insert into requests (account_id, key_id, at, ip, user_agent, method, path, status, ms)
        select $1, k.id, now() - g * interval '30 days' / $5, '127.0.0.1', 'bench', 'GET', '/api/v1/x', 200, 3
        from generate_series($3::int, $4) g, (select id from api_keys where account_id = $1 limit 1) k where $2::uuid is not null""",
    """insert into memories (id, account_id, external_user, format, content, embedding, words, person_id, created_at, expires_at)
        select pg_temp.made('y', g, $5), $1, 'p' || g, 'Text', to_jsonb('likes ' || g), array_fill(0.05::real, array[384])::vector, '', pg_temp.made('p', g, $5),
            pg_temp.moment(g, $5), now() + interval '1 year'
        from generate_series($3::int, $4) g where g % 20 = 0 and $2::uuid is not null""",
)

# At once, as it is done behind what happens, day by day.
SUMS = (
    """insert into talk_marks (until) select quarter(now() - interval '10 minutes') where $1::uuid is not null
        on conflict (one) do nothing""",
    "insert into talk_quarters select r.* from talk_marks m, talks_raw($1, null, '-infinity', m.until) r",
)


@dataclass(frozen=True)
class Crowded:
    """Who can look at it: a key of the API, and the cookie of an owner."""

    account: UUID
    client: UUID
    key: str
    cookie: str
    seconds: float


async def filled(hub: Hub, many: int = MANY) -> Crowded:
    """A year of `many` conversations of four messages."""
    begun = time.monotonic()
    account, client, owner = (await create_account(hub.db, "Crowded")).id, ids.uuid7(), ids.uuid7()
    key = await grant(hub.db, account, "bench", None)
    parameters = GatewayParameters.model_validate({"baseAddress": "https://models.example/v1", "modelName": "fake-1"})
    gateway = await gateways.add(hub.db, hub.sealer, hub.outbound.guard, account, "Crowded", parameters)
    await hub.db.run(
        "insert into clients (id, account_id, name, gateway_id) values ($2, $1, 'Crowded', $3)", account, client, gateway
    )
    link = ids.uuid7()
    secrets = hub.sealer.seal_map("integrations.secrets", link, {"botToken": "1:x", "webhookSecret": "x"})
    await hub.db.run(
        "insert into integrations (id, account_id, client_id, channel, secrets, secret_hash, mode, state)"
        " values ($3, $1, $2, 'telegram', $4, '', 'reconcile', 'registered')", account, client, link, secrets,
    )
    await operators.add(hub.db, account, owner, f"{owner}@example.com", "Crowded", "owner")
    async with owning(hub.settings.database_url.get_secret_value()) as one:
        await _pieces(one, account, client, many)
    door = await sign_in.login_link(hub.db, owner)
    entry = await sign_in.log_in_by_link(hub.db, hub.limits, door, sign_in.Browser("bench"))
    return Crowded(account, client, key, entry.token, time.monotonic() - begun)


async def _pieces(db: Db, account: UUID, client: UUID, many: int) -> None:
    async with db.pool.acquire() as con:
        for line in (*SESSION, *HELP):
            await con.execute(line)
        indexes = await con.fetch(INDEXES)
        for one in indexes:
            await con.execute(f"drop index {one['name']}")
        # The oldest first, as they would have come.
        for first in reversed(range(1, many + 1, STEP)):
            for piece in PIECES:
                await con.execute(piece, account, client, first, min(many, first + STEP - 1), many, timeout=LONG)
        for one in indexes:
            await con.execute(one["made"], timeout=LONG)
        await con.execute("vacuum (analyze)", timeout=LONG)
        for line in SUMS:
            await con.execute(line, account, timeout=LONG)
        await con.execute("vacuum (analyze) talk_quarters", timeout=LONG)
        await con.execute("checkpoint", timeout=LONG)
        await con.execute("reset all")
