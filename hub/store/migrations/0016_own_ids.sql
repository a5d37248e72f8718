-- Ids of the account itself at its network (its LID, its phone), as they were learned: a group names us by them.
alter table integrations add column own_ids text[] not null default '{}';
