"""Shapes of the widget's way in."""

from typing import Annotated

from pydantic import Field

from hub.pydantic_base import Camel

Attributes = Annotated[
    dict[Annotated[str, Field(max_length=50)], Annotated[str, Field(max_length=500)]],
    Field(max_length=20, description="Kept with the session as `anon:<name>`: nobody has proved them."),
]


class GuestIn(Camel):
    """Who the site says its visitor is: a `tag` (signed or not), or a `token`. Nothing: anybody."""

    tag: Annotated[str | None, Field(max_length=150)] = None
    tag_signature: Annotated[
        str | None, Field(max_length=200, description="Hex HMAC-SHA256 of the tag with the account's salt.")
    ] = None
    token: Annotated[
        str | None,
        Field(max_length=4000, description="JWT of `sub`, `exp`, perhaps `name`, `email`: HS256 or ES256."),
    ] = None
    attributes: Attributes | None = None
    access_key: Annotated[
        str | None, Field(max_length=100, description="The session this visitor has already, to come back to it.")
    ] = None
