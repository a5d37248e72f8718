-- Backups that were made and rehearsals of their restore: of the machine, nobody's own.
create table drills (
    id bigint generated always as identity primary key,
    kind text not null check (kind in ('backup', 'rehearsal')),
    ok boolean not null,
    words text not null,
    detail jsonb not null default '{}',
    began_at timestamptz not null,
    ended_at timestamptz not null default now()
);
create index on drills (kind, began_at desc);

select raise_wall();
