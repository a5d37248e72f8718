"""Put under seal what older versions of the hub stored open: at every start, and now and then for what an older
process still writes beside this one."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from hub.accounts import gateway_secrets, gateways, salts, skills
from hub.accounts.destinations import bare
from hub.accounts.parameters import GatewayParameters, SkillOptions
from hub.chat.clients import context
from hub.errors import Setup
from hub.runtime import Hub
from hub.store import unsealed
from hub.store.db import Db
from hub.studio import outgoing_webhooks
from hub.studio.aresgen.workflow import secrets

log = logging.getLogger(__name__)

AT_ONCE = 100
Json = dict[str, Any]


async def run(hub: Hub) -> int:
    """How many rows there were. One that cannot be sealed is named in the log and left as it is."""
    count = 0
    for kind, (find, seal) in KINDS.items():
        after, rows = UUID(int=0), [Json()]
        while rows:
            rows = await find(hub.db, after, AT_ONCE)
            for row in rows:
                after = row["id"]
                try:
                    await seal(hub, row)
                    count += 1
                except (ValueError, Setup) as e:  # of a version that took what this one does not
                    log.warning("%s %s of account %s stays open: %s", kind, row["id"], row["account_id"], e)
    if count:
        log.info("put %d stored values under seal", count)
    return count


async def _salt(hub: Hub, row: Json) -> None:
    await unsealed.salt(hub.db, row["id"], row["salt"], salts.sealed(hub.sealer, row["id"], row["salt"]))


async def _gateway(hub: Hub, row: Json) -> None:
    found = gateways.gateway_of(row, hub.sealer)
    parameters = GatewayParameters.model_validate(found.parameters)
    stored, sealed = gateway_secrets.split(parameters, found.api_key, found.id, hub.sealer)
    await unsealed.gateway(hub.db, row["id"], row["parameters"], stored, sealed)


async def _skill(hub: Hub, row: Json) -> None:
    options = SkillOptions.model_validate(skills.opened(row, hub.sealer).options)
    await unsealed.skill(hub.db, row["id"], row["options"], *skills.sealed(options, row["id"], hub.sealer))


async def _workflow(hub: Hub, row: Json) -> None:
    await unsealed.workflow(hub.db, row["id"], row["version"], *secrets.split(hub.sealer, row["id"], row["definition"]))


async def _webhook(hub: Hub, row: Json) -> None:
    secret, url = outgoing_webhooks.opened(hub, row["id"], row["secret"], row["url"])
    sealed = outgoing_webhooks.sealed(hub, row["id"], secret, url)
    await unsealed.webhook(hub.db, row["id"], row["url"], bare(url), sealed)


async def _session(hub: Hub, row: Json) -> None:
    place, sealed = context.split(hub.sealer, row["client_id"], row["context_location"])
    await unsealed.session(hub.db, row["id"], row["context_location"], place, sealed)


KINDS: Mapping[str, tuple[Callable[[Db, UUID, int], Awaitable[list[Json]]], Callable[[Hub, Json], Awaitable[None]]]] = {
    "salts": (unsealed.salts, _salt), "gateways": (unsealed.gateways, _gateway), "skills": (unsealed.skills, _skill),
    "workflows": (unsealed.workflows, _workflow), "webhooks": (unsealed.webhooks, _webhook),
    "sessions": (unsealed.sessions, _session),
}
