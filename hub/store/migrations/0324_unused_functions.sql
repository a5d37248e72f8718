-- What no process asks for any more, nor did those of the release before: `sweep_lanes` and `ingest_direct` stand in their places.
drop function sweep(int);
drop function ingest_group(jsonb);
