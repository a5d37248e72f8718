-- Lists of many are paged by these, and counted by them alone: whole people, those who opted out, a client's conversations.
create index people_whole on people (account_id, id desc) where root_id = id and kind = 'person';
create index people_out on people (account_id, root_id) where opted_out_at is not null;
create index sessions_counted on sessions (client_id, id desc) include (account_id);
