"""The first start: an account, its key, and a demo that answers from this product's own manual."""

import re
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from hub import ids
from hub.accounts import audit, gateways, salts
from hub.accounts.accounts import create_account
from hub.accounts.keys import grant
from hub.accounts.parameters import GatewayParameters
from hub.chat.clients import clients, sessions
from hub.chat.clients.parameters import ClientParameters, LimitingParameters
from hub.chat.clients.sessions import Wanted
from hub.config import Settings
from hub.domain import Account
from hub.errors import Setup
from hub.knowledge import collections, documents, shipped
from hub.knowledge.index import index_document
from hub.processes import login
from hub.processes.home import read_bootstrap, write_bootstrap
from hub.runtime import Hub, open_hub
from hub.store import deeds, samples
from hub.store.documents import Given
from hub.store.migrate import demand

MANUAL = Path(__file__).parents[2] / "templates" / "manual"
LONGEST = 7_776_000.0
EXTRACTIVE = "@hub/extractive"


async def first_start(settings: Settings, demo: bool, say: Callable[[str], None] | None = None) -> None:
    """Make what the first start needs and write bootstrap.json last: a start that was cut off before
    makes a new account the next time, one that was cut off after is complete."""
    if read_bootstrap(settings.home) is not None:
        raise Setup(f"{settings.home / 'bootstrap.json'} exists: this hub has an account already.")
    async with open_hub(settings) as hub:
        await demand(hub.db)
        account = await create_account(hub.db, "My business")
        with deeds.doing(audit.deed(account.id, audit.HUB, "account.created", str(account.id))):
            key = await grant(hub.db, account.id, "first key", None)
        values: dict[str, str | None] = {
            "baseUrl": settings.address,
            "accountId": str(account.id),
            "apiKey": key,
            "salt": salts.opened(hub.sealer, account.id, account.salt),
            "webChatClientId": None,
            "talkUrl": None,
            "consoleUrl": f"{settings.address}/console",
            "signInUrl": (await login.make(hub, seconds=login.FIRST))[1],
        }
        if demo:
            client, talk = await _demo(hub, account)
            values |= {"webChatClientId": str(client), "talkUrl": talk}
    settings.home.mkdir(parents=True, exist_ok=True)
    write_bootstrap(settings.home, values)
    if say is not None:
        for name, value in values.items():
            say(f"{name:16} {value or '-'}")


async def _demo(hub: Hub, account: Account) -> tuple[UUID, str]:
    """A chat client over the manual, and a session to talk to it."""
    words = "The hub's own manual: how to start it, connect networks, configure it and find out why."
    collection = await collections.create(hub.db, account.id, "Manual", words, "manual")
    vectors = shipped.Shipped(shipped.read(), hub.bulk)
    for given in manual():
        saved = await documents.put(hub.db, hub.queue, account.id, collection, given)
        await index_document(hub.db, vectors, saved.id)
    parameters = GatewayParameters.model_validate(
        {
            "baseAddress": "@integrated",
            "modelName": EXTRACTIVE,
            "knowledgeCollections": [str(collection)],
            "knowledgeBaseMaximumResults": 4,
        }
    )
    gateway = await gateways.add(hub.db, hub.sealer, hub.outbound.guard, account.id, "Manual", parameters)
    looks = ClientParameters.model_validate(
        {
            "pageTitle": "Ask the manual",
            "helloSubLabel": "I answer from the hub's own manual, without any model key.",
            "suggestionButtons": [
                {"label": "What do I do next?", "prompt": "What do I do next?"},
                {"label": "How do I connect Telegram?", "prompt": "How do I connect Telegram?"},
                {"label": "Como conecto o WhatsApp?", "prompt": "Como conecto o WhatsApp pela Z-API?"},
                {"label": "¿Por qué mi bot no responde?", "prompt": "¿Por qué mi bot no responde?"},
            ],
        }
    )
    client = await clients.add(hub.db, account.id, "Demo", gateway, LimitingParameters(), looks)
    await samples.add(hub.db, account.id, ids.uuid7(), "demo", "", gateway, client, collection)
    opened = await sessions.open(hub, account.id, client, Wanted(None, None, None, None, LONGEST))
    return client, opened.talk_url


def manual() -> list[Given]:
    """The chapters for everybody (`name.language.md`), one document each: its heading is its name. Files without
    a language in their name are references, too long for a chat and for a first start."""
    found = []
    for file in sorted(MANUAL.glob("*.??.md")):
        for chapter in re.split(r"(?m)^# ", file.read_text(encoding="utf-8"))[1:]:
            heading, _, body = chapter.partition("\n")
            found.append(
                Given(
                    name=heading.strip(),
                    contents=f"# {heading.strip()}\n\n{body.strip()}",
                    tags=(file.name.split(".")[1],),
                )
            )
    return found
