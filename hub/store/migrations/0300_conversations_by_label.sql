-- Conversations that are such (0233), also by a label that they have. Processes of before ask without one.
create function chosen_conversations(
    _account uuid, _before uuid, _since timestamptz, _until timestamptz, _event text, _client uuid, _gateway uuid, _channel text,
    _state text, _limit int, _label uuid
) returns table (id uuid) language sql stable as $$
    select s.id from sessions s join clients c on c.id = s.client_id left join integrations i on i.id = s.integration_id
    where s.account_id = _account and s.client_id is not null and s.last_message_at is not null and (_before is null or s.id < _before)
        and (_client is null or s.client_id = _client) and (_gateway is null or c.gateway_id = _gateway)
        and (_channel is null or coalesce(i.channel, 'web') = _channel)
        and (_label is null or exists (select 1 from session_labels l where l.session_id = s.id and l.label_id = _label
            and l.account_id = _account))
        and case _state when 'all' then true when 'ended' then s.closed_at is not null when 'open' then s.closed_at is null
            when 'waiting' then s.last_user_at = s.last_message_at and s.due_at is null and s.closed_at is null
            when 'bot' then s.handoff_at is null and s.closed_at is null else s.handoff_at is not null end
        and (_since is null or s.last_message_at >= _since) and (_until is null or s.created_at < _until)
        and case _event
            when 'any' then (_since is null and _until is null)
                or exists (select 1 from talk_quarters q where q.session_id = s.id and q.at >= coalesce(_since, '-infinity')
                    and q.at < coalesce(_until, 'infinity') and q.asked + q.answered > 0)
                or (s.last_message_at >= talks_until() and exists (select 1 from messages m where m.session_id = s.id
                    and m.role in ('user', 'assistant') and m.created_at >= greatest(coalesce(_since, '-infinity'), talks_until())
                    and m.created_at < coalesce(_until, 'infinity')))
            when 'asked' then exists (select 1 from talk_quarters q where q.session_id = s.id and q.at >= coalesce(_since, '-infinity')
                    and q.at < coalesce(_until, 'infinity') and q.asked > 0)
                or (s.last_message_at >= talks_until() and exists (select 1 from messages m where m.session_id = s.id
                    and m.role = 'user' and m.created_at >= greatest(coalesce(_since, '-infinity'), talks_until())
                    and m.created_at < coalesce(_until, 'infinity')))
            when 'people' then exists (select 1 from messages m where m.session_id = s.id and m.source in ('operator', 'human')
                    and m.role = 'assistant' and m.created_at >= coalesce(_since, '-infinity') and m.created_at < coalesce(_until, 'infinity'))
            when 'failed' then exists (select 1 from turns t where t.session_id = s.id and t.outcome in ('failed', 'poison')
                    and t.created_at >= coalesce(_since, '-infinity') and t.created_at < coalesce(_until, 'infinity'))
            when 'disliked' then exists (select 1 from happenings h where h.session_id = s.id and h.account_id = _account
                    and h.kind = 'feedback' and h.detail->>'rating' in ('bad', 'down', 'negative', 'dislike', 'false', '0', '1', '2')
                    and h.at >= coalesce(_since, '-infinity') and h.at < coalesce(_until, 'infinity'))
            else exists (select 1 from human_requests h where h.session_id = s.id
                    and h.asked_at >= coalesce(_since, '-infinity') and h.asked_at < coalesce(_until, 'infinity')
                    and (_event = 'person' or h.asked_by = _event)) end
    order by s.id desc limit _limit
$$;
