-- What a network shows before a first message (WhatsApp's ice breakers, Telegram's menu of commands) follows what it is made of.
-- greeted: what it was told last, nothing where it was told nothing. greet_at: when it is to be told anew.
alter table integrations add column greeted jsonb, add column greet_at timestamptz, add column greet_tries int not null default 0;
create index integrations_greet_at on integrations (greet_at) where greet_at is not null;

create function greet_when_registered() returns trigger language plpgsql as $$
begin
    new.greet_at := now();
    new.greet_tries := 0;
    return new;
end
$$;
create trigger greet_when_registered before update of state on integrations for each row
    when (new.state = 'registered') execute function greet_when_registered();

create function greet_by_client() returns trigger language plpgsql as $$
begin
    update integrations set greet_at = now(), greet_tries = 0 where client_id = new.id and account_id = new.account_id;
    return null;
end
$$;
create trigger greet_by_client after update of parameters, gateway_id on clients for each row
    when (old.parameters->'suggestionButtons' is distinct from new.parameters->'suggestionButtons'
        or old.parameters->'languageCode' is distinct from new.parameters->'languageCode'
        or old.gateway_id is distinct from new.gateway_id)
    execute function greet_by_client();

create function greet_by_gateway() returns trigger language plpgsql as $$
begin
    update integrations i set greet_at = now(), greet_tries = 0 from clients c
        where c.gateway_id = new.id and c.account_id = new.account_id and i.client_id = c.id;
    return null;
end
$$;
create trigger greet_by_gateway after update of parameters on gateways for each row
    when (old.parameters->'sentinelOptions' is distinct from new.parameters->'sentinelOptions')
    execute function greet_by_gateway();

select raise_wall();
