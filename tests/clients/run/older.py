"""Clients of Python that hold to an older version of OpenAI's: `older.py BASE KEY MODEL`. Prints as new.py does."""

import asyncio
import json
import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import instructor
import openai
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai import OpenAIResponses
from llama_index.llms.openai_like import OpenAILike
from pydantic import BaseModel

BASE, KEY, MODEL = sys.argv[1:4]
V1 = BASE + "/v1"


class City(BaseModel):
    city: str


async def instructed() -> Any:
    async with openai.AsyncOpenAI(base_url=V1, api_key=KEY, max_retries=0) as plain:
        found = {}
        for mode in (instructor.Mode.TOOLS, instructor.Mode.JSON):
            client = instructor.from_openai(plain, mode=mode)
            said: Any = [{"role": "user", "content": "json"}]
            made = await client.chat.completions.create(
                model=MODEL, messages=said, response_model=City, max_retries=1
            )
            found[mode.name] = made.city
        return found


async def llama_index() -> Any:
    model = OpenAILike(
        model=MODEL, api_base=V1, api_key=KEY, is_chat_model=True, is_function_calling_model=True, max_retries=0
    )
    whole = await model.achat([ChatMessage(role="user", content="Hi")])
    streamed = ""
    async for piece in await model.astream_chat([ChatMessage(role="user", content="Hi")]):
        streamed += piece.delta or ""

    def weather(city: str) -> str:
        """The weather."""
        return f"Sunny in {city}."

    asked = await model.achat_with_tools([FunctionTool.from_defaults(weather)], user_msg="weather")
    [call] = model.get_tool_calls_from_response(asked)
    plain = OpenAILike(model=MODEL, api_base=V1, api_key=KEY, is_chat_model=False, max_retries=0)
    completed = await plain.acomplete("Hi")
    responses = OpenAIResponses(
        model="gpt-4o", api_base=V1, api_key=KEY, max_retries=0, additional_kwargs={"model": MODEL}
    )
    told = await responses.achat([ChatMessage(role="user", content="Hi")])
    return {
        "whole": whole.message.content, "streamed": streamed, "call": [call.tool_name, call.tool_kwargs],
        "completed": completed.text, "responses": told.message.content,
    }


async def outcome(function: Callable[[], Awaitable[Any]]) -> Any:
    try:
        return {"ok": await asyncio.wait_for(function(), 60)}
    except Exception:  # noqa: BLE001 - every client is looked at, whatever happens to another
        return {"failed": traceback.format_exc()[-3000:]}


async def main() -> None:
    checks = (instructed, llama_index)
    found = await asyncio.gather(*(outcome(f) for f in checks))
    print(json.dumps({f.__name__: one for f, one in zip(checks, found, strict=True)}))


asyncio.run(main())
