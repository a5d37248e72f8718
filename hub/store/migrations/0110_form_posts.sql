-- What a form of the console was sent for: a double click, a reload and a second try after a lost answer find what the
-- first one did. status is null while it is being done. The name is made of the operator, the form's mark and what it holds.
create table form_posts (
    operator_id uuid not null references operators on delete cascade,
    name uuid not null,
    account_id uuid not null references accounts on delete cascade,
    lease_until timestamptz not null,
    status int,
    location text,
    said text,
    created_at timestamptz not null default now(),
    primary key (operator_id, name)
);
create index on form_posts (created_at);
create index on form_posts (account_id);
select raise_wall();
