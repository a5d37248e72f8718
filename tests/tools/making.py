"""Contexts and records that the tests of tools start from."""

import time
from datetime import UTC, datetime
from typing import Any

from hub import ids
from hub.accounts.accounts import create_account
from hub.domain import Gateway, Json, Skill
from hub.runtime import Hub
from hub.tools.base import Context


async def context(hub: Hub, user: str | None = "ana", **more: Any) -> Context:
    """A turn of a new account, unless `account_id` names one."""
    account = more.pop("account_id", None) or (await create_account(hub.db, "Aurora")).id
    gateway = Gateway(ids.uuid7(), account, "Shop", "shop:abcd", more.pop("parameters", {}))
    left = more.pop("seconds", 60.0)
    return Context(
        hub=hub, account_id=account, gateway=gateway, deadline=time.monotonic() + left, external_user=user, **more
    )


def skill(slug: str, instructions: str = "Do it.", allowed: tuple[str, ...] = (), *sources: Json, **more: Any) -> Skill:
    options = {"instructionSources": list(sources), "allowedToolsNames": list(allowed)}
    return Skill(ids.uuid7(), slug, more.get("description"), instructions, options, datetime.now(UTC))
