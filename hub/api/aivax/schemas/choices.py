"""Buttons that are offered with a message."""

from typing import Annotated

from pydantic import Field

from hub.chat.choices import LONGEST, SAYS
from hub.pydantic_base import Camel


class ChoiceIn(Camel):
    """A button. `text` is what its press says, without it the label; `url` is opened instead."""

    label: Annotated[str, Field(min_length=1, max_length=LONGEST)]
    text: Annotated[str | None, Field(max_length=SAYS)] = None
    url: Annotated[str | None, Field(max_length=2000, pattern="^https?://")] = None
