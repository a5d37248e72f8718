"""Clients of Python in their newest versions, each unchanged, all in one process: `new.py BASE KEY MODEL`.

Prints one JSON object: what each client was answered, or how it failed.
"""

import asyncio
import io
import json
import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import anthropic
import httpx2
import litellm
import openai
from agents import (
    Agent,
    ModelSettings,
    OpenAIProvider,
    RunConfig,
    Runner,
    SQLiteSession,
    function_tool,
    set_tracing_disabled,
)
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from pydantic import BaseModel
from pydantic_ai import Agent as PydanticAgent
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider as PydanticProvider

BASE, KEY, MODEL = sys.argv[1:4]
V1 = BASE + "/v1"
WEATHER = {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False,
}
CHECKS: dict[str, Callable[[], Awaitable[Any]]] = {}


class City(BaseModel):
    city: str


def check(function: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
    CHECKS[function.__name__] = function
    return function


def weather_of(city: str) -> str:
    return f"Sunny in {city}."


@check
async def openai_responses() -> Any:
    async with openai.AsyncOpenAI(base_url=V1, api_key=KEY, max_retries=0) as client:
        whole = await client.responses.create(model=MODEL, input="Hi")
        streamed = ""
        kinds = []
        numbers = []
        async with client.responses.stream(model=MODEL, input="Hi") as stream:
            async for event in stream:
                kinds.append(event.type)
                numbers.append(event.sequence_number)
                if event.type == "response.output_text.delta":
                    streamed += event.delta
            final = await stream.get_final_response()
        parsed = await client.responses.parse(model=MODEL, input="json", text_format=City)
        tools: Any = [{"type": "function", "name": "weather", "parameters": WEATHER, "strict": True}]
        asked = await client.responses.create(model=MODEL, input="weather", tools=tools)
        call = next(i for i in asked.output if i.type == "function_call")
        result: Any = [{"type": "function_call_output", "call_id": call.call_id, "output": weather_of("Rio")}]
        told = await client.responses.create(model=MODEL, input=result, tools=tools, previous_response_id=asked.id)
        error: Any = None
        try:
            await client.responses.create(model="nothing", input="Hi")
        except openai.NotFoundError as e:
            error = {"code": e.code, "param": e.param}
        return {
            "whole": whole.output_text, "streamed": streamed, "final": final.output_text, "kinds": kinds,
            "ordered": numbers == list(range(len(numbers))), "parsed": parsed.output_parsed.model_dump(),
            "call": [call.name, call.arguments], "told": told.output_text, "error": error,
        }


@check
async def openai_completions() -> Any:
    async with openai.AsyncOpenAI(base_url=V1, api_key=KEY, max_retries=0) as client:
        whole = await client.completions.create(model=MODEL, prompt=["Hi", "Hi"], echo=True)
        streamed = ""
        async for piece in await client.completions.create(model=MODEL, prompt="Hi", stream=True):
            streamed += piece.choices[0].text
        model = await client.models.retrieve(MODEL)
        return {
            "texts": [c.text for c in whole.choices], "streamed": streamed, "model": model.id,
            "name": model.model_extra["display_name"], "usage": whole.usage.total_tokens,
        }


@check
async def openai_media() -> Any:
    async with openai.AsyncOpenAI(base_url=V1, api_key=KEY, max_retries=0) as client:
        speech = await client.audio.speech.create(model="tts-1", voice="alloy", input="Hello")
        heard = await client.audio.transcriptions.create(model="whisper-1", file=("a.wav", io.BytesIO(b"RIFF0000WAVE")))
        image = await client.images.generate(model="gpt-image-1", prompt="A tree", response_format="b64_json")
        judged = await client.moderations.create(model=MODEL, input=["Hi", "fight"])
        return {
            "speech": len(speech.content), "heard": heard.text, "image": len(image.data[0].b64_json),
            "flagged": [r.flagged for r in judged.results],
        }


@check
async def openai_chat() -> Any:
    async with openai.AsyncOpenAI(base_url=V1, api_key=KEY, max_retries=0) as client:
        said: Any = [{"role": "user", "content": "weather"}]
        tools: Any = [{"type": "function", "function": {"name": "weather", "parameters": WEATHER}}]
        first = await client.chat.completions.create(model=MODEL, messages=said, tools=tools)
        call = first.choices[0].message.tool_calls[0]
        said += [first.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": weather_of("Rio")}]
        second = await client.chat.completions.create(model=MODEL, messages=said, tools=tools)
        return {"told": second.choices[0].message.content}


@check
async def anthropic_messages() -> Any:
    async with anthropic.AsyncAnthropic(base_url=BASE, api_key=KEY, max_retries=0) as client:
        hi: Any = [{"role": "user", "content": "Hi"}]
        whole = await client.messages.create(model=MODEL, max_tokens=100, messages=hi, system="Be kind.")
        async with client.messages.stream(model=MODEL, max_tokens=100, messages=hi) as stream:
            kinds = [event.type async for event in stream]
            streamed = await stream.get_final_message()
        tools: Any = [{"name": "weather", "description": "The weather.", "input_schema": WEATHER}]
        said: Any = [{"role": "user", "content": "weather"}]
        async with client.messages.stream(model=MODEL, max_tokens=100, messages=said, tools=tools) as stream:
            asked = await stream.get_final_message()
        call = next(b for b in asked.content if b.type == "tool_use")
        said += [
            {"role": "assistant", "content": asked.content},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": call.id, "content": weather_of(call.input["city"])}
            ]},
        ]
        told = await client.messages.create(model=MODEL, max_tokens=100, messages=said, tools=tools)
        counted = await client.messages.count_tokens(model=MODEL, messages=hi)
        listed = await client.models.list()
        error: Any = None
        try:
            await client.messages.create(model="nothing", max_tokens=1, messages=hi)
        except anthropic.NotFoundError as e:
            error = e.body["error"]["type"]
        return {
            "whole": whole.content[0].text, "stop": whole.stop_reason, "streamed": streamed.content[0].text,
            "kinds": kinds, "input": call.input, "asked": asked.stop_reason, "told": told.content[0].text,
            "counted": counted.input_tokens, "models": [m.display_name for m in listed.data], "error": error,
            "usage": [whole.usage.input_tokens, whole.usage.output_tokens, streamed.usage.output_tokens],
        }


@check
async def openai_agents() -> Any:
    set_tracing_disabled(True)
    async with openai.AsyncOpenAI(base_url=V1, api_key=KEY, max_retries=0) as client:
        weather = function_tool(weather_of, name_override="weather")
        agent = Agent(name="Bot", instructions="Be kind.", model=MODEL, tools=[weather], model_settings=ModelSettings())
        config = RunConfig(model_provider=OpenAIProvider(openai_client=client))  # its default: the Responses API
        whole = await Runner.run(agent, "weather", run_config=config)
        session = SQLiteSession("one")
        await Runner.run(agent, "weather", run_config=config, session=session)
        again = await Runner.run(agent, "Hi", run_config=config, session=session)
        streamed = Runner.run_streamed(agent, "weather", run_config=config)
        kinds = {e.type async for e in streamed.stream_events()}
        typed = Agent(name="Typed", model=MODEL, output_type=City)
        parsed = await Runner.run(typed, "json", run_config=config)
        chained = await Runner.run(agent, "weather", run_config=config, auto_previous_response_id=True)
        return {
            "whole": whole.final_output, "again": again.final_output, "streamed": streamed.final_output,
            "kinds": sorted(kinds), "parsed": parsed.final_output.model_dump(), "chained": chained.final_output,
        }


@check
async def langchain() -> Any:
    @tool
    def weather(city: str) -> str:
        """The weather."""
        return weather_of(city)

    found = {}
    for name, more in (("chat", {}), ("responses", {"use_responses_api": True})):
        model = ChatOpenAI(base_url=V1, api_key=KEY, model=MODEL, max_retries=0, **more)
        bound = model.bind_tools([weather])
        said: list[Any] = [{"role": "user", "content": "weather"}]
        asked = await bound.ainvoke(said)
        said += [asked, await weather.ainvoke(asked.tool_calls[0])]
        told = await bound.ainvoke(said)
        streamed = "".join([str(c.text) async for c in model.astream("Hi")])
        parsed = await model.with_structured_output(City).ainvoke("json")
        found[name] = {"told": str(told.text), "streamed": streamed, "parsed": parsed.model_dump()}
    vectors = OpenAIEmbeddings(
        base_url=V1, api_key=KEY, model="@hub/e5-small", check_embedding_ctx_length=False, max_retries=0
    )
    found["embedded"] = len(await vectors.aembed_query("Hi"))
    return found


@check
async def lite() -> Any:
    given = {"api_key": KEY, "num_retries": 0}
    hi = [{"role": "user", "content": "Hi"}]
    chat = await litellm.acompletion(model=f"openai/{MODEL}", api_base=V1, messages=hi, **given)
    claude = await litellm.acompletion(model=f"anthropic/{MODEL}", api_base=BASE, messages=hi, **given)
    responses = await litellm.aresponses(model=f"openai/{MODEL}", api_base=V1, input="Hi", **given)
    streamed = ""
    async for piece in await litellm.acompletion(
        model=f"openai/{MODEL}", api_base=V1, messages=hi, stream=True, **given
    ):
        streamed += piece.choices[0].delta.content or ""
    return {
        "chat": chat.choices[0].message.content, "anthropic": claude.choices[0].message.content,
        "responses": responses.output[0].content[0].text, "streamed": streamed,
    }


@check
async def pydantic_ai() -> Any:
    provider = PydanticProvider(base_url=V1, api_key=KEY)
    found = {}
    for name, model in (
        ("chat", OpenAIChatModel(MODEL, provider=provider)),
        ("responses", OpenAIResponsesModel(MODEL, provider=provider)),
        ("anthropic", AnthropicModel(MODEL, provider=AnthropicProvider(base_url=BASE, api_key=KEY))),
    ):
        agent = PydanticAgent(model, tools=[weather_tool()])
        told = await agent.run("weather")
        async with agent.run_stream("Hi") as stream:
            streamed = await stream.get_output()
        found[name] = {"told": told.output, "streamed": streamed}
    return found


def weather_tool() -> Any:
    def weather(city: str) -> str:
        """The weather."""
        return weather_of(city)

    return weather


@check
async def mcp_client() -> Any:
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {KEY}"}, timeout=20) as http:
        async with Client(streamable_http_client(f"{BASE}/mcp", http_client=http)) as client:
            return {"tools": [t.name for t in (await client.list_tools()).tools]}


async def outcome(function: Callable[[], Awaitable[Any]]) -> Any:
    try:
        return {"ok": await asyncio.wait_for(function(), 60)}
    except Exception:  # noqa: BLE001 - every client is looked at, whatever happens to another
        return {"failed": traceback.format_exc()[-3000:]}


async def main() -> None:
    wanted = {n: f for n, f in CHECKS.items() if n in sys.argv[4:] or len(sys.argv) == 4}
    found = await asyncio.gather(*(outcome(f) for f in wanted.values()))
    print(json.dumps(dict(zip(wanted, found, strict=True))))


asyncio.run(main())
