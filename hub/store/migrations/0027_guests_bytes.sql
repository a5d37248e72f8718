-- What guests upload is counted: by conversation, and by account and day.
alter table sessions add column guest_bytes bigint not null default 0;
alter table accounts add column guest_bytes bigint not null default 0, add column guest_day date;

-- Count an upload. What it is too much for: 'session', 'day', or nothing, and then it is counted. 0: no limit.
create function take_guest_bytes(_account uuid, _session uuid, _size bigint, _of_session bigint, _of_day bigint) returns text
language plpgsql as $$
declare
    _today date := (now() at time zone 'UTC')::date;
begin
    update sessions set guest_bytes = guest_bytes + _size
        where id = _session and account_id = _account and (_of_session = 0 or guest_bytes + _size <= _of_session);
    if not found then
        return 'session';
    end if;
    update accounts
        set guest_bytes = case when guest_day = _today then guest_bytes else 0 end + _size, guest_day = _today
        where id = _account
          and (_of_day = 0 or case when guest_day = _today then guest_bytes else 0 end + _size <= _of_day);
    if not found then
        update sessions set guest_bytes = guest_bytes - _size where id = _session;
        return 'day';
    end if;
    return null;
end $$;
