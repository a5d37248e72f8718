-- Placeholders of many turns are remembered together, each under its own fence, as `turns.placeholder` does it one by one. Whatever
-- somebody else holds locked is not waited for: it is left out, and whoever asks looks at it by itself.
create function place_each(items jsonb)
returns table (session uuid, kept boolean)
language plpgsql
-- As in `ingest_plain`.
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set lock_timeout = '200ms'
as $$
#variable_conflict use_column
declare
    _free uuid[];
    _kept uuid[];
begin
    _free := array(select s.id from sessions s where s.id = any(array(select (i->>'session')::uuid from jsonb_array_elements(items) i))
        order by s.id for no key update skip locked);
    with item as materialized (
        select i.* from jsonb_array_elements(items) e(item)
        cross join lateral jsonb_to_record(e.item) as i(session uuid, epoch bigint, since bigint, named text)
        where i.session = any(_free)),
    placed as (
        update sessions s set placeholder = i.named from item i where s.id = i.session and s.done_seq = i.since
            and ((s.epoch = i.epoch and s.lease_until is not null)
                or (s.epoch = i.epoch + 1 and s.owner is null and s.lease_until is null and s.placeholder is null
                    and s.last_seq > s.done_seq))
            returning s.id)
    select array_agg(p.id) into _kept from placed p;
    return query select f.id, f.id = any(coalesce(_kept, '{}')) from unnest(_free) f(id);
end $$;

select raise_wall();
