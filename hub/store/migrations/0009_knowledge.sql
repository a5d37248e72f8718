-- Set while a document waits to be embedded anew: its pieces stay until then, but none of their vectors is kept.
alter table documents add column renew boolean not null default false;
