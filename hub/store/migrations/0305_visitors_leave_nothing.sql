-- What was kept of a visitor whom nobody has named goes with the last of their conversations: nobody could find it again.
create function forget_visitor() returns trigger language plpgsql as $$
begin
    delete from people p where p.id = old.person_id and p.account_id = old.account_id and p.root_id = p.id
        and not exists (select 1 from identities i where i.person_id = p.id)
        and not exists (select 1 from sessions s where s.person_id = p.id)
        and not exists (select 1 from contacts c where c.person_id = p.id)
        and not exists (select 1 from people o where o.root_id = p.id and o.id <> p.id);
    return null;
end $$;

create trigger sessions_visitor after delete on sessions for each row
    when (old.person_id is not null and old.kind = 'web' and coalesce(old.tag, 'anon:') like 'anon:%')
    execute function forget_visitor();
