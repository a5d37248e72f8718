"""Which agents there are, and which gateway answers as each."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from uuid import UUID

from hub.accounts import gateways
from hub.accounts.model_lookup import integrated
from hub.domain import Gateway, Json
from hub.errors import Invalid, NotFound
from hub.llm.extractive import MODEL as OFFLINE
from hub.runtime import Hub
from hub.store import ares_agents

ROUTER, ORCHESTRATOR, RESEARCH = "router", "orchestrator", "research"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class Role:
    """An agent that comes with the hub. about: for people and for the router. told: its instructions."""

    about: str
    told: str


ROLES: Mapping[str, Role] = MappingProxyType(
    {
        ROUTER: Role("Chooses the agent that fits the message.", ""),
        ORCHESTRATOR: Role(
            "Splits a message that concerns several agents into tasks and puts their answers together.",
            "You are the assistant that a team of specialists answers through.",
        ),
        "product": Role(
            "Products, plans, features, availability, comparisons, technical details.",
            "You are the product specialist: explain products, plans and features, and compare them.",
        ),
        "invoice": Role(
            "Invoices, receipts, due dates, payments of an order, billing documents.",
            "You are the invoice specialist: help with invoices, receipts, due dates and their payment.",
        ),
        "sales": Role(
            "Buying, quotes, discounts, orders, delivery, demonstrations.",
            "You are the sales specialist: help people choose, quote and order.",
        ),
        "finance": Role(
            "Budgets, costs, revenue, taxes, financial reports and forecasts.",
            "You are the finance specialist: help with budgets, costs, taxes and financial reports.",
        ),
        "hr": Role(
            "Employees, holidays, leave, salaries, benefits, recruiting, company policies.",
            "You are the human resources specialist: help with leave, benefits, hiring and company policies.",
        ),
        RESEARCH: Role(
            "Background, explanations, summaries, anything that has to be looked up and weighed.",
            "You are the research specialist: look things up, weigh what you find and explain it with its sources.",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent with the gateway that answers for it. own: the account's."""

    name: str
    about: str
    told: str
    gateway: Gateway
    own: bool = False


async def resolve(hub: Hub, account: UUID, name: str) -> Agent:
    """The account's own agent of this name, else the hub's. Raise NotFound."""
    name = name.strip().lower()
    row = await ares_agents.get(hub.db, account, name)
    if row is not None:
        gateway = await gateways.load(hub.db, hub.sealer, account, row["gateway_id"])
        return Agent(name, row["description"] or "", row["instructions"] or "", gateway, own=True)
    role = ROLES.get(name)
    if role is None:
        raise NotFound(f"There is no agent '{name[:64]}'; GET /api/agents lists those there are.", field="agent_type")
    return Agent(name, role.about, role.told, await usual(hub, account))


async def usual(hub: Hub, account: UUID) -> Gateway:
    """The gateway of the hub's agents: the chosen one, else the account's first, else the offline model."""
    id = await ares_agents.default(hub.db, account)
    return await gateways.load(hub.db, hub.sealer, account, id) if id else integrated(account, OFFLINE)


async def listed(hub: Hub, account: UUID) -> list[Json]:
    """Every agent: name, description, own, gateway (name; None: the usual one), gateway_id, instructions."""
    own = {row["name"]: row for row in await ares_agents.listed(hub.db, account)}
    found = [_line(name, role.about, None) for name, role in ROLES.items() if name not in own]
    return [*found, *(_line(name, row["description"], row) for name, row in own.items())]


def _line(name: str, about: str | None, row: Json | None) -> Json:
    more = row or {"gateway": None, "gateway_id": None, "instructions": None}
    return {
        "name": name, "description": about or "", "own": row is not None, "gateway": more["gateway"],
        "gateway_id": more["gateway_id"], "instructions": more["instructions"],
    }


async def put(
    hub: Hub, account: UUID, name: str, gateway: UUID, description: str | None, instructions: str | None
) -> None:
    """Make an agent of a gateway. Raise Invalid for the name, NotFound for the gateway."""
    if not _NAME.fullmatch(name):
        raise Invalid("name must be lower case letters, digits, - and _, at most 64 characters.", field="name")
    if name in (ROUTER, ORCHESTRATOR):
        raise Invalid(f"'{name}' is how the hub works with the other agents; take another name.", field="name")
    await gateways.load(hub.db, hub.sealer, account, gateway)
    await ares_agents.put(hub.db, account, name, gateway, description, instructions)


async def remove(hub: Hub, account: UUID, name: str) -> None:
    if not await ares_agents.remove(hub.db, account, name):
        raise NotFound


async def chosen(hub: Hub, account: UUID) -> UUID | None:
    """The gateway that was set for the hub's agents."""
    return await ares_agents.setting(hub.db, account)


async def choose(hub: Hub, account: UUID, gateway: UUID | None) -> None:
    """Set the gateway of the hub's agents; None: the account's first. Raise NotFound."""
    if gateway is not None:
        await gateways.load(hub.db, hub.sealer, account, gateway)
    await ares_agents.choose(hub.db, account, gateway)
