-- What a public key is bound to: pages that may use it and gateways it may use; none named: any.
alter table api_keys
    add column origins text[] not null default '{}',
    add column models uuid[] not null default '{}';
