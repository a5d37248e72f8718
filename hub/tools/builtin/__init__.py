"""Built-in functions: tools that every gateway may switch on."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hub.accounts.value_types import BuiltinFunction
from hub.tools.base import Tool
from hub.tools.builtin.code import evaluate_code
from hub.tools.builtin.common import Options
from hub.tools.builtin.hosting import generate_document, generate_web_page
from hub.tools.builtin.images import generate_image
from hub.tools.builtin.pages import open_url
from hub.tools.builtin.posts import search_x_posts
from hub.tools.builtin.research import advanced_web_search
from hub.tools.builtin.search import web_search
from hub.tools.builtin.web_request import request

# Remember and Calendar are tools of their own: they have rows, and an owner.
BUILTIN: Mapping[BuiltinFunction, Callable[[Options], Tool]] = {
    "WebSearch": web_search,
    "Code": evaluate_code,
    "OpenUrl": open_url,
    "ImageGeneration": generate_image,
    "XPostsSearch": search_x_posts,
    "GenerateDocument": generate_document,
    "GenerateWebPage": generate_web_page,
    "AdvancedWebUsage": advanced_web_search,
    "Request": request,
}


def offered(enabled: Iterable[BuiltinFunction], options: Mapping[str, Any] | None = None) -> list[Tool]:
    """The tools of enabled functions, each once; those that are not of this table are left out.

    options: `builtinFunctionsOptions` of the gateway, or a request's `builtin_tools.options`.
    """
    chosen = Options.of(options)
    return [BUILTIN[one](chosen) for one in dict.fromkeys(enabled) if one in BUILTIN]
