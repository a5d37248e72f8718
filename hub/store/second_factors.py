"""What proves who signs in beside the password: codes, passkeys, accounts at identity providers."""

from typing import Any
from uuid import UUID

from hub.store.db import Call, clean

ENROLLED = """
    select exists (select 1 from operator_totp where operator_id = $1 and confirmed_at is not null) as totp,
        (select count(*) from operator_passkeys where operator_id = $1) as passkeys,
        (select count(*) from operator_recovery_codes where operator_id = $1) as codes
"""
BEGIN_TOTP = """
    insert into operator_totp (operator_id, secret) values ($1, $2)
    on conflict (operator_id) do update set secret = $2, created_at = now(), last_step = 0
    where operator_totp.confirmed_at is null
"""
TOTP = "select secret, confirmed_at is not null as confirmed, last_step from operator_totp where operator_id = $1"
USE_STEP = "update operator_totp set last_step = $2 where operator_id = $1 and last_step < $2"
CONFIRM = "update operator_totp set confirmed_at = now() where operator_id = $1 and confirmed_at is null"
DROP_TOTP = "delete from operator_totp where operator_id = $1"
DROP_CODES = "delete from operator_recovery_codes where operator_id = $1"
ADD_CODES = "insert into operator_recovery_codes (operator_id, hash) select $1, unnest($2::bytea[])"
USE_CODE = "delete from operator_recovery_codes where operator_id = $1 and hash = $2"

ADD_PASSKEY = """
    insert into operator_passkeys (id, operator_id, public_key, signs, name) values ($1, $2, $3, $4, $5)
    on conflict (id) do nothing
"""
PASSKEYS = """
    select encode(id, 'hex') as id, name, created_at, used_at from operator_passkeys where operator_id = $1 order by created_at
"""
PASSKEY = """
    select p.id, p.operator_id, p.public_key, p.signs from operator_passkeys p where p.id = $1
"""
SIGNED = "update operator_passkeys set signs = $2, used_at = now() where id = $1 and (signs < $2 or (signs = 0 and $2 = 0))"
DROP_PASSKEY = "delete from operator_passkeys where operator_id = $1 and id = $2"
DROP_PASSKEYS = "delete from operator_passkeys where operator_id = $1"

ADD_PENDING = """
    insert into operator_pending (hash, operator_id, how, expires_at) values ($1, $2, $3, now() + make_interval(secs => $4))
"""
PENDING = """
    select p.operator_id as id, p.how, o.account_id, o.email, o.name from operator_pending p join operators o on o.id = p.operator_id
    where p.hash = $1 and p.expires_at > now()
"""
USE_PENDING = "delete from operator_pending where hash = $1"
PURGE = "delete from operator_pending where expires_at < now()"

IDENTITY = "select operator_id from operator_identities where issuer = $1 and subject = $2"
BIND = """
    insert into operator_identities (issuer, subject, operator_id) values ($1, $2, $3) on conflict do nothing
"""

Json = dict[str, Any]


async def enrolled(db: Call, operator: UUID) -> Json:
    """{totp: bool, passkeys: count, codes: count that are left}"""
    row = await db.row(ENROLLED, operator)
    assert row is not None
    return dict(row)


async def begin_totp(db: Call, operator: UUID, sealed: bytes) -> bool:
    """False when codes are asked for already."""
    return await db.run(BEGIN_TOTP, operator, sealed) == 1


async def totp(db: Call, operator: UUID) -> Json | None:
    row = await db.row(TOTP, operator)
    return dict(row) if row else None


async def use_step(db: Call, operator: UUID, step: int) -> bool:
    """False when a code of this step, or a later one, was used before."""
    return await db.run(USE_STEP, operator, step) == 1


async def confirm(db: Call, operator: UUID) -> None:
    await db.run(CONFIRM, operator)


async def drop_totp(db: Call, operator: UUID) -> bool:
    return await db.run(DROP_TOTP, operator) == 1


async def set_codes(db: Call, operator: UUID, hashes: list[bytes]) -> None:
    """In place of those there were. Inside a transaction."""
    await db.run(DROP_CODES, operator)
    await db.run(ADD_CODES, operator, hashes)


async def use_code(db: Call, operator: UUID, hashed: bytes) -> bool:
    return await db.run(USE_CODE, operator, hashed) == 1


async def add_passkey(db: Call, operator: UUID, id: bytes, key: bytes, signs: int, name: str) -> bool:
    """False when it is known already."""
    return await db.run(ADD_PASSKEY, id, operator, key, signs, clean(name)) == 1


async def passkeys(db: Call, operator: UUID) -> list[Json]:
    """id in hex, name, created_at, used_at; the oldest first."""
    return [dict(r) for r in await db.fetch(PASSKEYS, operator)]


async def passkey(db: Call, id: bytes) -> Json | None:
    row = await db.row(PASSKEY, id)
    return dict(row) if row else None


async def signed(db: Call, id: bytes, signs: int) -> bool:
    """False when the counter did not grow: somebody has a copy of it. One that does not count says 0 for ever."""
    return await db.run(SIGNED, id, signs) == 1


async def drop_passkey(db: Call, operator: UUID, id: bytes) -> bool:
    return await db.run(DROP_PASSKEY, operator, id) == 1


async def drop_all(db: Call, operator: UUID) -> None:
    """Nothing but the password is asked for from now on."""
    await db.run(DROP_TOTP, operator)
    await db.run(DROP_CODES, operator)
    await db.run(DROP_PASSKEYS, operator)


async def add_pending(db: Call, hashed: bytes, operator: UUID, how: str, seconds: float) -> None:
    await db.run(ADD_PENDING, hashed, operator, how, seconds)


async def pending(db: Call, hashed: bytes) -> Json | None:
    """{id, account_id, email, name, how} of who has given the first factor."""
    row = await db.row(PENDING, hashed)
    return dict(row) if row else None


async def use_pending(db: Call, hashed: bytes) -> bool:
    return await db.run(USE_PENDING, hashed) == 1


async def purge(db: Call) -> int:
    return await db.run(PURGE)


async def identity(db: Call, issuer: str, subject: str) -> UUID | None:
    """Who has signed in as this subject before."""
    found: UUID | None = await db.value(IDENTITY, clean(issuer), clean(subject))
    return found


async def bind(db: Call, issuer: str, subject: str, operator: UUID) -> None:
    await db.run(BIND, clean(issuer), clean(subject), operator)
