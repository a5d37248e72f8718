"""AI gateways."""

from typing import Annotated, Any
from uuid import UUID

from hub.accounts.parameters import GatewayParameters
from hub.accounts.value_types import Called
from hub.pydantic_base import Camel, Part

Json = dict[str, Any]


class GatewayIn(Camel):
    name: Called
    parameters: GatewayParameters


class GatewayEdit(Camel):
    """Only what changes; a parameter that is sent replaces the stored one whole."""

    name: Called | None = None
    parameters: Annotated[Json, Part(GatewayParameters)] = {}


class GatewayId(Camel):
    ai_gateway_id: UUID


class GatewayLine(Camel):
    id: UUID
    name: str
    inference_endpoint: str
    model_name: str
    slug: str

    @classmethod
    def of(cls, row: Json) -> "GatewayLine":
        return cls(
            id=row["id"], name=row["name"], slug=row["slug"], model_name=row["model"] or "",
            inference_endpoint=row["address"] or "",
        )


class GatewayOut(Camel):
    name: str
    slug: str
    parameters: GatewayParameters
