"""Accounts: the tenants everything belongs to."""

from typing import Any
from uuid import UUID

from hub.domain import Account
from hub.store.db import Call, clean

ADD = """
    insert into accounts (id, name, salt) values ($1, $2, $3)
    returning id, name, salt, parameters, plan, balance::float8 as balance, created_at
"""
GET = """
    select id, name, salt, parameters, plan, balance::float8 as balance, created_at from accounts where id = $1
"""
LOCK = """
    select id, name, salt, parameters, plan, balance::float8 as balance, created_at from accounts where id = $1 for no key update
"""
EDIT = "update accounts set name = coalesce($2, name), parameters = parameters || $3 where id = $1"
SALT = "update accounts set salt = $2 where id = $1"

Json = dict[str, Any]


async def add(db: Call, id: UUID, name: str, salt: str) -> Account:
    row = await db.row(ADD, id, clean(name), salt)
    assert row is not None
    return Account(**dict(row))


async def get(db: Call, account: UUID, lock: bool = False) -> Account | None:
    """lock: until the transaction ends nobody else changes it."""
    row = await (db.row(LOCK, account) if lock else db.row(GET, account))
    return Account(**dict(row)) if row else None


async def edit(db: Call, account: UUID, name: str | None, parameters: Json) -> None:
    """Replace the name (None keeps it) and the parameters given."""
    await db.run(EDIT, account, clean(name), clean(parameters))


async def set_salt(db: Call, account: UUID, salt: str) -> None:
    await db.run(SALT, account, salt)
