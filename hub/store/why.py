"""Everything that is known about one message's fate, in one round trip."""

from typing import Any
from uuid import UUID

from hub.store.db import Call

CHAIN = """
    with asked as (
        select i.id, i.session_id, i.turn_id, 'user' as role from inbox i where i.account_id = $1 and i.id = $2
        union all
        select m.id, m.session_id, m.turn_id, m.role from messages m where m.account_id = $1 and m.id = $2
        union all
        select coalesce(o.message_id, o.key), o.session_id, o.turn_id, 'assistant' from outbox o where o.account_id = $1 and o.key = $2
        union all
        select v.id, v.session_id, v.turn_id, 'activation' from activations v where v.account_id = $1 and v.id = $2
        limit 1)
    select a.id, a.role, a.session_id,
        (select to_jsonb(s) - 'key_hash' - 'key_sealed' from sessions s where s.id = a.session_id) as session,
        (select i.channel from sessions s join integrations i on i.id = s.integration_id where s.id = a.session_id) as channel,
        (select coalesce(jsonb_agg(to_jsonb(i) order by i.seq), '[]') from inbox i
            where i.session_id = a.session_id and (i.id = a.id or i.turn_id = a.turn_id)) as inbox,
        (select to_jsonb(t) from turns t where t.id = a.turn_id) as turn,
        (select coalesce(jsonb_agg(to_jsonb(h) order by h.id), '[]') from happenings h
            where h.message_id = a.id or h.message_id = $2 or h.message_id = a.turn_id or h.message_id = (
                select v.id from activations v where v.account_id = $1 and v.turn_id = a.turn_id)) as happenings,
        (select to_jsonb(v) || jsonb_build_object('schedule', s.instruction, 'campaign', m.name) from activations v
            left join schedules s on s.id = v.schedule_id left join campaigns m on m.id = v.campaign_id
            where v.account_id = $1 and (v.id = a.id or v.turn_id = a.turn_id) limit 1) as activation,
        (select coalesce(jsonb_agg(to_jsonb(o) order by o.id), '[]') from outbox o
            where o.account_id = $1 and (o.turn_id = a.turn_id or o.message_id = a.id)) as deliveries,
        (select coalesce(jsonb_agg(jsonb_build_object('delivery', o.key, 'at', t.at, 'outcome', t.outcome, 'code', t.code, 'error', t.error)
                                   order by t.at), '[]')
            from attempts t join outbox o on o.id = t.delivery_id
            where o.account_id = $1 and (o.turn_id = a.turn_id or o.message_id = a.id)) as attempts
    from asked a
"""


async def chain(db: Call, account: UUID, message: UUID) -> dict[str, Any] | None:
    """Rows about a message by its own id, or by a delivery's."""
    row = await db.row(CHAIN, account, message)
    return dict(row) if row else None
