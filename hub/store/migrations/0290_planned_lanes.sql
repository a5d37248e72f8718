-- Planned messages that are due are taken by account, so that one account's crowd comes beside the others', not before them.
-- Whether any is due at all is still asked of planned_messages_due.
create index planned_messages_lanes on planned_messages (account_id, look_at) where state = 'planned';
