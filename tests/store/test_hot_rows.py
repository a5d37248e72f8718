"""What changes with every message must not be in an index of a broad table: counts, never times."""

from uuid import UUID

from hub import ids
from hub.checkpoints import unwatched
from hub.store import messages, outbox, turns
from hub.store.db import Db
from hub.store.inbox import ingest
from hub.store.outcomes import Outcomes
from tests.store.rows import Bench, Json, answer, straight

UPDATED = "select n_tup_upd as updated, n_tup_hot_upd as hot from pg_stat_user_tables where relname = $1"


async def told(db: Db, table: str = "sessions") -> tuple[int, int]:
    async with db.transaction() as tx:
        await tx.value("select pg_stat_force_next_flush()")
    row = await db.row(UPDATED, table)
    assert row
    return row["updated"], row["hot"]


async def talk(bench: Bench, who: list[str]) -> None:
    """Each of them writes, is answered, and what was sent is closed."""
    stored = await ingest(bench.db, [bench.item(ids=[w], chat=w, tag=w) for w in who])
    for one in stored:
        assert one.session_id
        claimed = await turns.claim(bench.db, one.session_id, "me", 30, 50)
        assert claimed
        await straight(bench.db) if one is stored[0] else None
        closed = await turns.complete(bench.db, claimed, "me", *answer(), wire=5)
        assert closed.ok and closed.part
        await outbox.sent(bench.db, closed.part, "me", "sent", 5, network_id=str(ids.uuid7()))


async def test_nine_of_ten_updates_of_a_conversation_stay_in_their_page(db: Db) -> None:
    bench = await Bench(db).make()
    who = [f"phone:{n}" for n in range(40)]
    await talk(bench, who)
    before = await told(db)
    for _ in range(4):
        await talk(bench, who)
    updated, hot = (now - then for now, then in zip(await told(db), before, strict=True))
    assert updated >= 40 * 4 * 3
    assert hot / updated >= 0.9
    await straight(db)


async def test_a_message_is_written_once_and_found_by_what_the_network_calls_it(db: Db) -> None:
    """One part at a time and many at once: its words are in an index, which a second writing would fill again."""
    benches, before = [await Bench(db).make() for _ in range(2)], await told(db, "messages")
    for bench in benches:
        await talk(bench, [f"phone:{n}" for n in range(6)])
    assert await told(db, "messages") == before
    many = Outcomes(db, "me", 5, unwatched)
    for bench in benches:
        stored = await ingest(db, [bench.item(ids=["phone:1"], chat="phone:1", tag="phone:1")])
        [session] = [one.session_id for one in stored if one.session_id]
        claimed = await turns.claim(db, session, "me", 30, 50)
        assert claimed
        closed = await turns.complete(db, claimed, "me", *answer(), wire=5)
        assert closed.part
        called = str(ids.uuid7())
        await many.sent(closed.part, called, {})
        assert await told(db, "messages") == before
        found = await messages.named(db, bench.account, session, bench.integration, [called])
        assert list(found) == [called]
        [other] = [b for b in benches if b is not bench]
        assert not await messages.named(db, other.account, session, other.integration, [called])


async def test_no_index_holds_what_every_message_changes(db: Db) -> None:
    changing = {
        "due_at", "lease_until", "owner", "oldest_at", "epoch", "last_seq", "done_seq", "last_message_at",
        "last_user_at", "expires_at", "hour_count", "message_count", "token_count", "placeholder",
    }
    rows = await db.fetch(
        "select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as told from pg_index i"
        " where i.indrelid = 'sessions'::regclass"
    )
    words = {r["name"]: set(r["told"].replace("(", " ").replace(")", " ").replace(",", " ").split()) for r in rows}
    assert {n: w & changing for n, w in words.items() if w & changing} == {}


async def test_the_queue_and_the_order_follow_whoever_writes(db: Db) -> None:
    bench = await Bench(db).make()
    stored = await ingest(db, [bench.item(ids=[f"phone:{n}"], debounce=5.0 * (n % 2)) for n in range(6)])
    sessions: list[UUID] = [s.session_id for s in stored if s.session_id]
    await straight(db)
    claimed = await turns.claim(db, sessions[0], "me", 30, 50)
    assert claimed
    await turns.release(db, claimed, 60.0)
    await straight(db)
    await db.run("update sessions set closed_at = now(), due_at = null where id = $1", sessions[2])
    await db.run("update sessions set integration_id = null where id = $1", sessions[3])
    await straight(db)
    await db.run("delete from integrations where id = $1", bench.integration)
    await straight(db)
    await db.run("delete from sessions where id = $1", sessions[4])
    await straight(db)
    await db.run("delete from accounts where id = $1", bench.account)
    assert await db.value("select (select count(*) from session_queue) + (select count(*) from session_order)") == 0


async def test_a_sweep_looks_at_the_first_of_a_crowd_and_not_at_all_of_it(db: Db) -> None:
    """As much as it gives back, however many are due of one integration."""
    bench = await Bench(db).make()
    await db.run(
        "insert into sessions (id, account_id, client_id, integration_id, kind, due_at, last_seq, done_seq)"
        " select gen_random_uuid(), $1, $2, $3, 'channel', now() - n * interval '1 ms', 1, 0"
        " from generate_series(1, 4000) n",
        bench.account, bench.client, bench.integration,
    )
    read = "select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables where relname = 'sessions'"
    async with db.transaction() as tx:
        found = await tx.fetch(turns.SWEEP, 40, UUID(int=0), 100)
        looked = await tx.value(read)
    oldest = await db.fetch("select session_id from session_queue order by due_at limit 40")
    assert [r["session_id"] for r in found] == [r["session_id"] for r in oldest]
    assert 0 < looked < 400


async def test_messages_of_known_people_read_their_own_conversations_alone(db: Db) -> None:
    """However many are open, and however few were when it was planned; nobody has counted them since."""
    bench, groups = await Bench(db).make(), "select * from ingest_direct($1, '{}')"
    people = [f"phone:{n}" for n in range(8)]
    read = "select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables where relname = 'sessions'"

    def said() -> list[Json]:
        who = [{"id": str(ids.uuid7()), "name": "Ana", "chat": w, "said": [w]} for w in people]
        return [bench.item(ids=[w["chat"]], chat=w["chat"], tag=w["chat"], who=w) for w in who]

    async with db.transaction() as tx:
        for _ in range(3):
            assert {r["outcome"] for r in await tx.fetch(groups, said())} == {"accepted"}
        await tx.run(
            "insert into sessions (id, account_id, client_id, integration_id, kind, last_seq, done_seq)"
            " select gen_random_uuid(), $1, $2, $3, 'channel', 0, 0 from generate_series(1, 2000) n",
            bench.account, bench.client, bench.integration,
        )
        before = await tx.value(read)
        assert {r["outcome"] for r in await tx.fetch(groups, said())} == {"accepted"}
        assert 0 < await tx.value(read) - before < 500
