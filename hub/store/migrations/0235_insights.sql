-- Answers of an account within a time, for what should be done about them.
create index turns_of_account on turns (account_id, created_at desc);
-- When an operator was written to about the week.
alter table operators add column weekly_at timestamptz;
