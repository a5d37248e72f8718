-- What seldom happens leads to its conversations; before, all were looked through for it.
create index talk_quarters_failed on talk_quarters (account_id, at) include (session_id) where failures > 0;
create index talk_quarters_people on talk_quarters (account_id, at) include (session_id) where by_people > 0;

-- Conversations in which something of this kind happened within a time, some of them twice (see chosen_conversations).
create function conversations_of_event(_account uuid, _event text, _since timestamptz, _until timestamptz) returns table (id uuid)
language plpgsql stable rows 1000 as $$
declare
    _from timestamptz := coalesce(_since, '-infinity');
    _to timestamptz := coalesce(_until, 'infinity');
begin
    if _event = 'people' then
        return query select q.session_id from talk_quarters q
            where q.account_id = _account and q.at >= _from and q.at < _to and q.by_people > 0;
        return query select m.session_id from messages m where m.account_id = _account and m.source in ('operator', 'human')
            and m.role = 'assistant' and m.created_at >= greatest(_from, talks_until()) and m.created_at < _to;
    elsif _event = 'failed' then
        return query select q.session_id from talk_quarters q
            where q.account_id = _account and q.at >= _from and q.at < _to and q.failures > 0;
        return query select t.session_id from turns t where t.account_id = _account and t.outcome in ('failed', 'poison')
            and t.created_at >= greatest(_from, talks_until()) and t.created_at < _to;
    elsif _event = 'disliked' then
        return query select h.session_id from happenings h where h.account_id = _account and h.kind = 'feedback'
            and h.detail->>'rating' in ('bad', 'down', 'negative', 'dislike', 'false', '0', '1', '2') and h.at >= _from and h.at < _to;
    else
        return query select h.session_id from human_requests h where h.account_id = _account and h.asked_at >= _from
            and h.asked_at < _to and (_event = 'person' or h.asked_by = _event);
    end if;
end $$;

-- As chosen_conversations, of people, failed, disliked, and of those where a person was asked for.
create function conversations_chosen_by_event(
    _account uuid, _before uuid, _since timestamptz, _until timestamptz, _event text, _client uuid, _gateway uuid, _channel text,
    _state text, _limit int, _label uuid
) returns table (id uuid) language sql stable as $$
    select s.id from (select distinct w.id from conversations_of_event(_account, _event, _since, _until) w) e join sessions s on s.id = e.id
        join clients c on c.id = s.client_id left join integrations i on i.id = s.integration_id
    where s.account_id = _account and s.last_message_at is not null and (_before is null or s.id < _before)
        and (_client is null or s.client_id = _client) and (_gateway is null or c.gateway_id = _gateway)
        and (_channel is null or coalesce(i.channel, 'web') = _channel)
        and (_label is null or exists (select 1 from session_labels l where l.session_id = s.id and l.label_id = _label
            and l.account_id = _account))
        and case _state when 'all' then true when 'ended' then s.closed_at is not null when 'open' then s.closed_at is null
            when 'waiting' then s.last_user_at = s.last_message_at and s.due_at is null and s.closed_at is null
            when 'bot' then s.handoff_at is null and s.closed_at is null else s.handoff_at is not null end
        and (_since is null or s.last_message_at >= _since) and (_until is null or s.created_at < _until)
    order by s.id desc limit _limit
$$;
