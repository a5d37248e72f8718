-- Contents of large files in pieces: each is written and read by a statement of its own, so that no process holds one up for
-- the whole of it. `files.content` is empty where there are some.
create table file_pieces (
    file_id uuid not null references files on delete cascade,
    number int not null,
    account_id uuid not null,
    content bytea not null,
    primary key (file_id, number)
);
-- Pictures, sounds and films are packed already.
alter table file_pieces alter column content set storage external;
alter table files add column pieces int not null default 0;

select raise_wall();
