-- What is folded waits for no disk: until its commit is there the call still stands in the journal, and is folded again where the
-- database dies before. Whatever comes of it is written behind it in the log and waits for the disk as ever: the claim of a turn
-- before anything is asked or said.
create or replace function fold_kept(_integration uuid, _ids bigint[], items jsonb)
returns table (n int, outcome text, session_id uuid, seq bigint, message_id uuid, due_in float8)
language plpgsql as $$
#variable_conflict use_column
declare
    _count int;
begin
    perform set_config('lock_timeout', '1s', true), set_config('synchronous_commit', 'off', true);
    if exists (select 1 from arrival_folders f where f.integration_id = _integration and f.until > now())
        or exists (select 1 from arrivals a where a.integration_id = _integration and a.id < any(_ids) and a.id <> all(_ids)) then
        raise exception 'somebody else folds these calls' using errcode = 'object_not_in_prerequisite_state';
    end if;
    delete from arrivals where integration_id = _integration and id = any(_ids);
    get diagnostics _count = row_count;
    if _count <> cardinality(_ids) then
        raise exception 'somebody else folds these calls' using errcode = 'object_not_in_prerequisite_state';
    end if;
    if jsonb_array_length(items) > 0 then
        return query select g.n, g.outcome, g.session_id, g.seq, g.message_id, g.due_in from ingest_together(items) g;
    end if;
end $$;

create or replace function fold_arrivals(_integration uuid, _me text, _epoch bigint, _seconds float8, _ids bigint[], items jsonb)
returns table (n int, outcome text, session_id uuid, seq bigint, message_id uuid, due_in float8)
language plpgsql as $$
#variable_conflict use_column
declare
    _count int;
begin
    perform set_config('lock_timeout', '1s', true), set_config('synchronous_commit', 'off', true);
    update arrival_folders set until = now() + make_interval(secs => _seconds)
        where integration_id = _integration and owner = _me and epoch = _epoch;
    get diagnostics _count = row_count;
    if _count = 1 then
        delete from arrivals where integration_id = _integration and id = any(_ids);
        get diagnostics _count = row_count;
    end if;
    if _count <> cardinality(_ids) then
        raise exception 'somebody else folds these calls' using errcode = 'object_not_in_prerequisite_state';
    end if;
    if jsonb_array_length(items) > 0 then
        return query select g.n, g.outcome, g.session_id, g.seq, g.message_id, g.due_in from ingest_together(items) g;
    end if;
end $$;

-- A message that comes alone: its twenty statements, and those of what they set off, were planned anew for each of a connection's
-- first five. Plans are made once now, by keys, as in `ingest_plain`.
alter function ingest(jsonb) set plan_cache_mode = force_generic_plan;
alter function ingest(jsonb) set enable_seqscan = off;
alter function ingest(jsonb) set enable_hashjoin = off;
alter function ingest(jsonb) set enable_mergejoin = off;

-- As in 0252, from two on: those cost a third less together than one by one, somebody new as well. And `ingest` says whether something
-- with files is a duplicate (0345).
create or replace function ingest_together(items jsonb)
returns table (n int, outcome text, session_id uuid, seq bigint, message_id uuid, due_in float8)
language plpgsql as $$
#variable_conflict use_column
declare
    _rest int[] := array(select i.n from generate_series(0, jsonb_array_length(items) - 1) i(n));
    _done int[] := '{}';
    _row record;
begin
    if cardinality(_rest) < 2 then
        return query select i.n, i.outcome, i.session_id, i.seq, i.message_id, i.due_in from ingest(items) i;
        return;
    end if;
    for _row in select * from ingest_plain(items) loop
        continue when _row.outcome = 'duplicate' and items->_row.n ? 'files';
        n := _row.n; outcome := _row.outcome; session_id := _row.session_id; seq := _row.seq; message_id := _row.message_id;
        due_in := _row.due_in;
        _done := _done || n;
        return next;
    end loop;
    _rest := array(select r.n from unnest(_rest) r(n) where r.n <> all(_done));
    if cardinality(_rest) >= 2 then
        for _row in select * from ingest_first(items, _rest) loop
            continue when _row.outcome = 'duplicate' and items->_row.n ? 'files';
            n := _row.n; outcome := _row.outcome; session_id := _row.session_id; seq := _row.seq; message_id := _row.message_id;
            due_in := _row.due_in;
            _done := _done || n;
            return next;
        end loop;
        _rest := array(select r.n from unnest(_rest) r(n) where r.n <> all(_done));
    end if;
    if cardinality(_rest) > 0 then
        return query
            select _rest[i.n + 1], i.outcome, i.session_id, i.seq, i.message_id, i.due_in
            from ingest((select jsonb_agg(items->r.n order by r.place) from unnest(_rest) with ordinality r(n, place))) i;
    end if;
end $$;
