-- Contents of files in a storage beside the database. A name stands in file_leftovers while its object is not, or no more, a
-- file's: before it is written, and after the file is deleted, by whoever and whatever deletes it.
alter table files add column place text;
create table file_leftovers (
    place text primary key,
    account_id uuid not null,
    due_at timestamptz not null
);
create index on file_leftovers (due_at);

create function file_left() returns trigger language plpgsql as $$
begin
    insert into file_leftovers (place, account_id, due_at) values (old.place, old.account_id, now()) on conflict (place) do nothing;
    return null;
end $$;
create trigger files_left after delete on files for each row when (old.place is not null) execute function file_left();

select raise_wall();
