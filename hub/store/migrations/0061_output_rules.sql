-- How often each of the gateway's rules for what goes out did something in a logged conversation.
alter table conversations add column rules jsonb not null default '{}';
