-- A file of an album that goes one by one may be settled by others than whoever sends it: an operator, an echo, a word of the network.
-- Those behind it have no rows of their own yet: they go on then as well, as `go_on` says. What a person who takes over, or a stop, has
-- ended goes no further.
create function part_album() returns trigger language plpgsql as $$
declare
    _file jsonb := new.body->'rest'->0;
    _rest jsonb := (new.body->'rest') - 0;
    _was bigint;
begin
    update outbox set key = gen_random_uuid(), state = 'queued', failures = 0, not_before = null, wire_deadline = null, placeholder = null,
            network_id = null, fate = null, code = null, error = null, closed_at = null, resolution = null, asked = 0,
            body = jsonb_build_object('file', _file, 'text', '', 'plain', coalesce(_file->'alt', '""'), 'bare', true)
                || case when jsonb_array_length(_rest) > 0 then jsonb_build_object('rest', _rest) else '{}' end,
            expires_at = greatest(expires_at, now() + interval '1 hour')
        where id = new.id;
    insert into outbox (key, account_id, session_id, message_id, part, integration_id, chat, body, sha, mode, state, attempt, network_id,
                        fate, code, error, resolution, created_at, closed_at)
        values (new.key, new.account_id, new.session_id, new.message_id, new.part, new.integration_id, new.chat, new.body - 'rest', new.sha,
                new.mode, new.state, new.attempt, new.network_id, new.fate, new.code, new.error, new.resolution, new.created_at, new.closed_at)
        returning id into _was;
    update attempts set delivery_id = _was where delivery_id = new.id;
    return null;
end $$;
create trigger outbox_parted after update of state on outbox for each row
    when (new.body ? 'rest' and old.closed_at is null and new.closed_at is not null and (new.state = 'sent'
        or (old.state = 'unknown' and new.state in ('dead', 'cancelled'))
        or (new.state = 'cancelled' and new.resolution is distinct from old.resolution)))
    execute function part_album();

select raise_wall();
