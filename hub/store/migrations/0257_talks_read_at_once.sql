-- Figures are read where they are asked for: what a function hands over as a whole is written down first, row by row.

-- The first quarter that lies in a span as a whole, and the end of those that are summed up.
create function talks_first(_since timestamptz) returns timestamptz language sql immutable parallel safe as $$
    select date_bin('15 minutes', _since + interval '15 minutes' - interval '1 microsecond', '2000-01-01T00:00:00Z'::timestamptz)
$$;
create function talks_last(_since timestamptz, _until timestamptz) returns timestamptz language sql stable as $$
    select greatest(talks_first(_since), least(quarter(_until), talks_until()))
$$;

-- What of a span is not summed up: before its first whole quarter, and after the last.
create function talks_rest(_account uuid, _since timestamptz, _until timestamptz) returns setof talk_quarters language plpgsql stable
rows 1000 as $$
declare
    _first timestamptz := talks_first(_since);
    _last timestamptz := talks_last(_since, _until);
begin
    if _first > _since then
        return query select * from talks_raw(_account, null, _since, least(_first, _until));
    end if;
    if _until > _last then
        return query select * from talks_raw(_account, null, _last, _until);
    end if;
end $$;

-- As before; of this form PostgreSQL takes it into the statement that asks.
create or replace function talks(_account uuid, _since timestamptz, _until timestamptz) returns setof talk_quarters language sql stable as $$
    select q.* from talk_quarters q where q.account_id = _account and q.at >= (select talks_first(_since))
        and q.at < (select talks_last(_since, _until))
    union all
    select r.* from talks_rest(_account, _since, _until) r
$$;
