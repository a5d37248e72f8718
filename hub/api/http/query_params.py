"""Query strings that many endpoints share."""

from typing import Annotated

from pydantic import Field

from hub.pydantic_base import Camel


class Filter(Camel):
    """An optional text that narrows a list."""

    filter: Annotated[str, Field(max_length=200, description="Part of a name, or an id.")] = ""
