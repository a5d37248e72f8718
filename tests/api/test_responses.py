"""The Responses API, with OpenAI's own client and by hand."""

from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
import pytest_asyncio
from aiohttp import web

from hub.accounts.keys import grant
from hub.config import Settings
from hub.domain import Json
from tests.api.door import Door, opened
from tests.fakes.model import refuses, says

LOOK: Json = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {"q": {"type": "string"}}}}
CALL: Json = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"q":"x"}'}}


@pytest.fixture
async def door(settings: Settings) -> AsyncIterator[Door]:
    async with opened(settings) as one:
        yield one


@pytest.fixture
async def client(door: Door) -> AsyncIterator[openai.AsyncOpenAI]:
    async with door.client() as one:
        yield one


async def test_an_answer_and_what_it_goes_on_from(door: Door, client: openai.AsyncOpenAI) -> None:
    id = await door.gateway()
    first = await client.responses.create(model=id, input="My name is Ana", instructions="Be brief.", metadata={"a": "b"})
    assert (first.output_text, first.status, first.metadata) == ("Hello from the model.", "completed", {"a": "b"})
    assert first.usage is not None and (first.usage.input_tokens, first.usage.total_tokens) == (12, 17)
    assert [m["role"] for m in door.sent["messages"]] == ["system", "user"]
    second = await client.responses.create(model=id, input="Who am I?", previous_response_id=first.id)
    # Instructions are not carried over.
    assert [(m["role"], m["content"]) for m in door.sent["messages"]] == [
        ("user", "My name is Ana"), ("assistant", "Hello from the model."), ("user", "Who am I?"),
    ]
    assert (await client.responses.retrieve(second.id)).previous_response_id == first.id
    listed = await client.responses.input_items.list(first.id)
    assert [i.content[0].text for i in listed.data] == ["My name is Ana"]  # type: ignore[union-attr]  # it is a message
    await client.responses.delete(first.id)
    for work in (client.responses.retrieve(first.id), client.responses.input_items.list(first.id)):
        with pytest.raises(openai.NotFoundError):
            await work
    with pytest.raises(openai.NotFoundError) as e:
        await client.responses.create(model=id, input="And now?", previous_response_id=second.id)
    assert (e.value.param, e.value.code) == ("previous_response_id", "previous_response_not_found")
