-- Who was given a conversation last: the next one is somebody else's turn.
alter table operator_presence add column assigned_at timestamptz;

select raise_wall();
