"""Failed tries to sign in, and the growing wait that follows them."""

from hub.store.db import Call

# Counted before the password is looked at, so that a thousand tries at once are no way around.
# $2: tries that cost nothing; then each doubles the wait, up to a quarter of an hour. A day of peace forgives.
BEGIN = """
    insert into sign_in_waits as w (key, failures, until, at) values ($1, 1, now(), now())
    on conflict (key) do update set at = now(),
        failures = case when w.at < now() - interval '1 day' then 1 else w.failures + 1 end,
        until = case when w.at < now() - interval '1 day' or w.failures < $2 then now()
                     else now() + make_interval(secs => least(900, power(2, least(w.failures - $2, 10)))) end
    where w.until <= now()
    returning w.failures
"""
LEFT = "select extract(epoch from until - now())::float8 from sign_in_waits where key = $1 and until > now()"
# Once waits have begun, a success among the failures of others ends nothing: it may be the guesser's own account.
GIVE_BACK = "update sign_in_waits set failures = failures - 1 where key = $1 and failures between 1 and $2"
CLEAR = "delete from sign_in_waits where key = $1"
PURGE = "delete from sign_in_waits where key in (select key from sign_in_waits where at < now() - interval '2 days' limit 1000)"


async def begin(db: Call, key: bytes, free: int) -> float:
    """Count a try. Return 0.0 when it may be made, else the seconds until one may: it is not counted then."""
    if await db.value(BEGIN, key, free) is not None:
        return 0.0
    return float(await db.value(LEFT, key) or 1.0)


async def give_back(db: Call, key: bytes, free: int) -> None:
    """A try that succeeded: of a key that many people share only that one is taken back."""
    await db.run(GIVE_BACK, key, free)


async def clear(db: Call, key: bytes) -> None:
    await db.run(CLEAR, key)


async def purge(db: Call) -> int:
    return await db.run(PURGE)
