-- A part of which nobody knows whether it arrived is asked for, and mostly did: webhooks are told once it is settled, or given up.
drop trigger outbox_told on outbox;
create trigger outbox_told after update of state, closed_at on outbox for each row
    when ((new.state = 'dead' and old.state <> 'dead')
        or (new.state = 'unknown' and new.closed_at is not null and (old.state <> 'unknown' or old.closed_at is null)))
    execute function tell_undelivered();
