-- What `fold_arrivals` does, for a process that still has in its memory what it has just kept: without a lease, since exactly one
-- transaction deletes a call. Raise where somebody else folds these calls, or where others wait before them: nothing has happened then.
-- Calls that wait between those that are folded count as well as those before them: another process may have acknowledged
-- one before the last of these came.
create function fold_kept(_integration uuid, _ids bigint[], items jsonb)
returns table (n int, outcome text, session_id uuid, seq bigint, message_id uuid, due_in float8)
language plpgsql as $$
#variable_conflict use_column
declare
    _count int;
begin
    perform set_config('lock_timeout', '1s', true);
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
