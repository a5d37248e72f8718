"""Texts that others wrote, set apart in a prompt so that they cannot end the block they stand in. Pure."""

import re
from collections.abc import Mapping
from html import escape


def fenced(tag: str, text: str, attributes: Mapping[str, str] | None = None) -> str:
    """`<tag name="value">text</tag>`; the tag inside the text is written so that it is none."""
    named = "".join(f' {name}="{escape(value, quote=True)}"' for name, value in (attributes or {}).items())
    return f"<{tag}{named}>\n{harmless(tag, text)}\n</{tag}>"


def harmless(tag: str, text: str) -> str:
    """The text, in which this tag neither begins nor ends."""
    return re.sub(rf"<(?=[\s/]*{re.escape(tag)})", "&lt;", text, flags=re.IGNORECASE)
