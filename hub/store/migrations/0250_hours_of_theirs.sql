-- What a clock shows in a zone. One look is for people of all accounts: a zone that this database does not know, because its
-- tables are older than those by which it was checked, is UTC, and fails nobody else's.
create function clock_of(_zone text, _at timestamptz) returns timestamp language plpgsql stable as $$
begin
    return _at at time zone coalesce(nullif(_zone, ''), 'UTC');
exception when invalid_parameter_value then
    return _at at time zone 'UTC';
end $$;

create or replace function is_quiet(_notices jsonb, _at timestamptz) returns boolean language sql stable as $$
    select coalesce((select case when x.a < x.b then x.now >= x.a and x.now < x.b else x.now >= x.a or x.now < x.b end
        from (select (_notices->>'quietStart')::time as a, (_notices->>'quietEnd')::time as b,
            clock_of(_notices->>'zone', _at)::time as now where _notices->>'quietStart' <> ''
                and _notices->>'quietEnd' <> '') x where x.a <> x.b), false)
$$;
