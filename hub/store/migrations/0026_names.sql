-- A user's conversations have names of their own: two users may both have one named "default".
create unique index sessions_named on sessions
    (account_id, kind, name, coalesce(user_id, '00000000-0000-0000-0000-000000000000'::uuid)) where name is not null;
drop index sessions_name;
