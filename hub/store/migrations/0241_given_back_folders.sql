-- A lease that was given back (its owner is nobody) tells of no death: no call is suspected by whoever has it next.

create or replace function lease_arrivals(_integration uuid, _me text, _seconds float8) returns bigint language plpgsql as $$
declare
    _had arrival_folders;
    _first smallint;
    _epoch bigint;
begin
    if exists (select 1 from arrival_folders f where f.integration_id = _integration and f.owner <> _me and f.until > now()) then
        return null;
    end if;
    perform set_config('lock_timeout', '1s', true);
    _epoch := nextval('arrival_epochs');
    insert into arrival_folders (integration_id, account_id, owner, epoch, until)
        select i.id, i.account_id, _me, _epoch, now() + make_interval(secs => _seconds) from integrations i where i.id = _integration
        on conflict do nothing;
    if found then
        return _epoch;
    end if;
    select * into _had from arrival_folders f where f.integration_id = _integration for update;
    if not found or (_had.owner <> _me and _had.until > clock_timestamp()) then
        return null;
    end if;
    if _had.owner not in (_me, '') then
        select a.tries into _first from arrivals a where a.integration_id = _integration order by a.id limit 1;
        update arrivals a set tries = least(a.tries + 6, 1000) where a.integration_id = _integration and a.id in (
            select b.id from arrivals b where b.integration_id = _integration order by b.id
            limit case when _first >= 2 then 1 else 64 end);
    end if;
    update arrival_folders set owner = _me, epoch = _epoch, until = now() + make_interval(secs => _seconds)
        where integration_id = _integration;
    return _epoch;
end $$;
