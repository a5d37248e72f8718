-- Where a business's own server tells what it knows of a person: orders, bookings. secret: sealed, with the whole address, and
-- the key with which each question is signed.
create table contact_cards (
    account_id uuid primary key references accounts on delete cascade,
    url text not null,
    secret bytea not null,
    created_at timestamptz not null default now()
);

select audit_watch();
select raise_wall();
