"""Chat clients."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from hub.accounts.value_types import Called
from hub.api.aivax.schemas.integrations import IntegrationsOut
from hub.chat.clients.clients import Details
from hub.chat.clients.parameters import ClientParameters, LimitingParameters
from hub.pydantic_base import Camel, Part

Json = dict[str, Any]


class ClientIn(Camel):
    name: Called
    ai_gateway_id: Annotated[UUID | None, Field(description="Without a gateway the client is not available.")] = None
    limiting_parameters: LimitingParameters = LimitingParameters()
    client_parameters: ClientParameters = ClientParameters()


class ClientEdit(Camel):
    """Only what changes: parameters that are left out stay, lists are replaced whole."""

    name: Called | None = None
    ai_gateway_id: UUID | None = None
    limiting_parameters: Annotated[Json, Part(LimitingParameters)] | None = None
    client_parameters: Annotated[Json, Part(ClientParameters)] | None = None

    def given(self) -> Json:
        """What was sent, by its documented name; a null gateway takes the gateway away."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class ClientId(Camel):
    id: UUID


class GatewayName(Camel):
    id: UUID
    name: str


class AssociatedGateway(GatewayName):
    model_name: str


class ClientLine(Camel):
    id: UUID
    name: str
    color: str | None
    active_sessions: int
    associated_gateway: AssociatedGateway | None

    @classmethod
    def of(cls, row: Json) -> "ClientLine":
        gateway = None
        if row["gateway"]:
            gateway = AssociatedGateway(id=row["gateway"], name=row["gateway_name"], model_name=row["model"] or "")
        return cls(
            id=row["id"], name=row["name"], color=row["color"], active_sessions=row["active"],
            associated_gateway=gateway,
        )


class ClientOut(Camel):
    name: str
    ai_gateway: GatewayName | None
    limiting_parameters: LimitingParameters
    client_parameters: ClientParameters
    integrations: IntegrationsOut

    @classmethod
    def of(cls, found: Details, whole: bool) -> "ClientOut":
        gateway = GatewayName(id=found.gateway[0], name=found.gateway[1]) if found.gateway else None
        return cls(
            name=found.client.name,
            ai_gateway=gateway,
            limiting_parameters=LimitingParameters.model_validate(found.client.limits),
            client_parameters=ClientParameters.model_validate(found.client.parameters),
            integrations=IntegrationsOut.of(found.integrations, whole),
        )
