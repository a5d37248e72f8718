-- Networks are no longer a list of four: one straight from Meta, and those that other packages add.
alter table integrations drop constraint integrations_channel_check,
    add constraint integrations_channel_check check (channel ~ '^[a-z][a-z0-9_]{1,30}$');
alter table schedules drop constraint schedules_channel_check,
    add constraint schedules_channel_check check (channel ~ '^[a-z][a-z0-9_]{1,30}$');
alter table campaigns drop constraint campaigns_channel_check,
    add constraint campaigns_channel_check check (channel ~ '^[a-z][a-z0-9_]{1,30}$');
