-- What contacts see while an answer is made: all, typing or read alone, or none of it.
alter table integrations add column presence text not null default 'all' check (presence in ('all', 'typing', 'read', 'none'));
