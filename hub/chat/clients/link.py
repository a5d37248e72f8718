"""From an integration's row to what an adapter needs."""

import base64
import time
from typing import Any
from uuid import UUID

from channels.base import Link
from hub.config import Settings
from hub.domain import Integration
from hub.runtime import Hub
from hub.sealing import Sealer

PLACE = "integrations.secrets"
# Secrets that the hub makes itself: of the webhook's path and of its header. pathUntil: a time until which a webhook
# that was registered with the path's secret in its header goes on working.
OURS = ("webhookSecret", "headerSecret", "pathUntil")
Json = dict[str, Any]


def integration_of(row: Json, sealer: Sealer) -> Integration:
    """`row`: columns of `integrations`; `secrets` as bytes, or as base64 text from a JSON row."""
    sealed = row["secrets"] if isinstance(row["secrets"], bytes) else base64.b64decode(row["secrets"])
    return Integration(
        id=UUID(str(row["id"])),
        account_id=UUID(str(row["account_id"])),
        client_id=UUID(str(row["client_id"])),
        channel=row["channel"],
        settings=row["settings"],
        secrets=sealer.open_map(PLACE, row["id"], sealed),
        mode=row["mode"],
        handle=row["handle"],
        state=row["state"],
        state_text=row["state_text"],
        connection=row["connection"],
        session_seconds=row["session_seconds"],
        groups=row["groups"],
        when_unknown=row.get("when_unknown") or "operator",
        presence=row.get("presence") or "all",
        own_ids=tuple(row.get("own_ids") or ()),
        greeted=bool(row.get("greeted")),
    )


def webhook_url(settings: Settings, channel: str, client_id: UUID, secret: str) -> str:
    return f"{settings.address}/api/v1/webhooks/{channel}/{client_id}/{secret}"


def link_of(integration: Integration, settings: Settings) -> Link:
    """What the adapter of this integration's network works with."""
    secret, header = integration.secrets["webhookSecret"], integration.secrets.get("headerSecret", "")
    given = {
        k: v for k, v in {**integration.settings, **integration.secrets}.items() if v is not None and k not in OURS
    }
    former = header and float(integration.secrets.get("pathUntil", 0)) > time.time()
    return Link(
        id=str(integration.id),
        settings=given,
        secret=secret,
        webhook_url=webhook_url(settings, integration.channel, integration.client_id, secret),
        handle=integration.handle,
        ours=integration.own_ids,
        header_secret=header,
        old_secrets=(secret,) if former else (),
    )


def open_link(hub: Hub, row: Json) -> Link:
    return link_of(integration_of(row, hub.sealer), hub.settings)
