-- Planned messages that are due are taken by account, so that one account's crowd comes beside the others', not before them.
create index planned_messages_lanes on planned_messages (account_id, look_at) where state = 'planned';
drop index planned_messages_due;
