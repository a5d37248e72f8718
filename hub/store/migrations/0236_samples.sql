-- Bots that were made to be tried: what was made for them, and goes with them. trade: clinic, shop, restaurant, school, demo.
create table samples (
    id uuid primary key,
    account_id uuid not null references accounts on delete cascade,
    trade text not null,
    language text not null,
    gateway_id uuid references gateways on delete set null,
    client_id uuid references clients on delete set null,
    collection_id uuid references collections on delete set null,
    created_at timestamptz not null default now()
);
create index on samples (account_id);
create index on samples (gateway_id);
create index on samples (client_id);
create index on samples (collection_id);

select raise_wall();
