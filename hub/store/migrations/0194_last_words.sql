-- What a bot said before it called a person is still sent, also where the network refused it the first time.
-- called_at: when people got the conversation because one was asked for; what was said until then is not taken back.
alter table human_requests add column called_at timestamptz;

-- As before, but for last words.
create or replace function set_aside(_session uuid) returns void
language plpgsql as $$
declare
    _s sessions;
    _next bigint;
begin
    select * into _s from sessions s where s.id = _session for no key update;
    with back as (
        delete from inbox i where i.session_id = _session and i.seq > _s.done_seq and i.state = 'waiting'
            and i.command = 'activation' returning i.id),
    due as (
        update activations a set state = 'due', reason = 'handoff', result = 'Waiting: a person has taken the conversation over',
            not_before = now() + interval '15 minutes', admitted_at = null, session_id = null
        from back where a.id = back.id and a.state = 'admitted' returning a.schedule_id)
    update schedules s set execution_count = greatest(0, s.execution_count - 1) from due where s.id = due.schedule_id;
    with kept as (
        update inbox i set state = 'ignored', rule = 'handoff' where i.session_id = _session and i.seq > _s.done_seq
            and i.state = 'waiting' and i.command is null returning i.*),
    noted as (
        insert into happenings (account_id, client_id, integration_id, session_id, message_id, kind, detail)
        select k.account_id, _s.client_id, _s.integration_id, _session, k.id, 'ignored', '{"rule": "handoff"}' from kept k)
    insert into messages (id, account_id, session_id, role, source, content, network_id)
        select k.id, k.account_id, _session, coalesce(k.body->>'role', 'user'), 'contact', k.body, k.network_id from kept k order by k.seq
        on conflict (id) do nothing;
    update outbox o set state = 'cancelled', code = 'handoff', error = 'A person has taken the conversation over.', closed_at = now()
        where o.session_id = _session and o.state = 'queued' and o.resolution is distinct from 'replayed'
          and not exists (select 1 from human_requests h where h.session_id = _session and h.called_at >= o.created_at)
          and exists (select 1 from turns t where t.id = o.turn_id and t.outcome not like 'command:%');
    select min(i.seq) into _next from inbox i where i.session_id = _session and i.seq > _s.done_seq and i.state = 'waiting';
    update sessions s set epoch = s.epoch + 1, owner = null, lease_until = null, attempts = 0, crash_count = 0, placeholder = null,
            done_seq = coalesce(_next - 1, s.last_seq), due_at = case when _next is not null then now() end,
            oldest_at = case when _next is not null then coalesce(s.oldest_at, now()) end
        where s.id = _session;
end $$;

create or replace function next_part(_session uuid, _me text, _wire float8) returns jsonb
language plpgsql as $$
declare
    _o outbox;
    _id bigint;
begin
    -- A part that was on the wire when a person took the conversation over is not tried again, unless they want it.
    update outbox o set state = 'cancelled', code = 'handoff', error = 'A person has taken the conversation over.', closed_at = now()
        where o.session_id = _session and o.state = 'queued' and o.resolution is distinct from 'replayed'
          and not exists (select 1 from human_requests h where h.session_id = _session and h.called_at >= o.created_at)
          and exists (select 1 from sessions s where s.id = _session and s.handoff_at is not null
                      and (s.handoff_until is null or s.handoff_until > now()))
          and exists (select 1 from turns t where t.id = o.turn_id and t.outcome not like 'command:%');
    select o.id into _id from outbox o where o.session_id = _session and o.state = 'queued'
        order by o.id limit 1 for no key update;
    if _id is null then
        return null;
    end if;
    update outbox o set state = 'sending', attempt = o.attempt + 1, sender = _me,
            wire_deadline = now() + make_interval(secs => _wire)
        where o.id = _id and o.state = 'queued' and (o.not_before is null or o.not_before <= now()) and o.expires_at > now()
          and not exists (select 1 from outbox p where p.session_id = _session and p.id < o.id
                          and (p.state = 'sending' or (p.state = 'unknown' and p.closed_at is null)))
        returning * into _o;
    return case when _o.id is null then null else to_jsonb(_o) end;
end $$;
