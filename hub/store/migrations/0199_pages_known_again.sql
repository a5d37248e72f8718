-- By what a page of a website is known again when it is refreshed: what its server says of it, its bytes, where it leads to.

alter table source_pages add column etag text, add column modified text, add column digest bytea,
    add column links text[] not null default '{}';
