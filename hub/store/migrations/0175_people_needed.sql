-- A person when a person is needed: who asked for one in a conversation, how, and when somebody answered.
-- state: asking (said within a turn that is not over yet), waiting (the bot is silent), left (nobody was here: the bot went on
-- and asked for an e-mail address), answered. reason: the model's words, sealed as those of people are. warn_at: when colleagues
-- are told that the answer will be late; due_at: when it is.
create table human_requests (
    session_id uuid primary key references sessions on delete cascade,
    account_id uuid not null references accounts on delete cascade,
    state text not null check (state in ('asking', 'waiting', 'left', 'answered')),
    asked_by text not null check (asked_by in ('model', 'words', 'rule')),
    reason jsonb,
    asked_at timestamptz not null default now(),
    warn_at timestamptz,
    due_at timestamptz,
    warned_at timestamptz,
    answered_at timestamptz
);
create index on human_requests (account_id, asked_at desc);
create index human_requests_open on human_requests (asked_at) where state = 'asking';
create index human_requests_warn on human_requests (warn_at) where warned_at is null and state in ('waiting', 'left');

-- When a console was last open in front of an operator; away: they said that they are not there.
create table operator_presence (
    operator_id uuid primary key references operators on delete cascade,
    account_id uuid not null references accounts on delete cascade,
    here_at timestamptz not null default now(),
    away boolean not null default false
);
create index on operator_presence (account_id, here_at);

-- The first word of a person after one was asked for, from the console, the API or the business's phone.
create function person_answered() returns trigger language plpgsql as $$
declare
    _r human_requests;
begin
    update human_requests r set state = 'answered', answered_at = now()
        where r.session_id = new.session_id and r.state <> 'answered' returning * into _r;
    if found then
        insert into happenings (account_id, session_id, message_id, kind, detail) values (_r.account_id, new.session_id, new.id,
            'person_answered', jsonb_build_object('seconds', extract(epoch from now() - _r.asked_at)::int, 'late',
                coalesce(now() > _r.due_at, false)));
    end if;
    return null;
end $$;
create trigger messages_answered after insert on messages for each row
    when (new.source in ('operator', 'human')) execute function person_answered();

select raise_wall();
