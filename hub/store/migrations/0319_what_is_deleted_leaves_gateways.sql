-- A collection or a skill that is deleted is no longer named by the account's gateways, which would count it, offer its search and be
-- taken for knowing something.

create function leave_gateways() returns trigger
language plpgsql as $$
begin
    update gateways g set parameters = jsonb_set(g.parameters, array[tg_argv[0]], coalesce((
            select jsonb_agg(e.value order by e.ordinality) from jsonb_array_elements(g.parameters->tg_argv[0]) with ordinality e
            where not exists (select 1 from gone o where o.id::text = e.value #>> '{}')), '[]'))
        where exists (select 1 from gone o where o.account_id = g.account_id and g.parameters->tg_argv[0] ? o.id::text);
    return null;
end $$;
create trigger collections_leave_gateways after delete on collections referencing old table as gone
    for each statement execute function leave_gateways('knowledgeCollections');
create trigger skills_leave_gateways after delete on skills referencing old table as gone
    for each statement execute function leave_gateways('skills');

-- Those that were deleted before.
update gateways g set parameters = jsonb_set(g.parameters, '{knowledgeCollections}', coalesce((
        select jsonb_agg(e.value order by e.ordinality) from jsonb_array_elements(g.parameters->'knowledgeCollections') with ordinality e
        where exists (select 1 from collections c where c.account_id = g.account_id and c.id::text = e.value #>> '{}')), '[]'))
    where jsonb_typeof(g.parameters->'knowledgeCollections') = 'array' and g.parameters->'knowledgeCollections' <> '[]';
update gateways g set parameters = jsonb_set(g.parameters, '{skills}', coalesce((
        select jsonb_agg(e.value order by e.ordinality) from jsonb_array_elements(g.parameters->'skills') with ordinality e
        where exists (select 1 from skills s where s.account_id = g.account_id and s.id::text = e.value #>> '{}')), '[]'))
    where jsonb_typeof(g.parameters->'skills') = 'array' and g.parameters->'skills' <> '[]';
