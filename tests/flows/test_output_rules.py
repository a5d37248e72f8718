"""Rules for what goes out, and masking towards the provider, where people talk; beside each a bot without them."""

import re
from typing import Any

import orjson

from hub.chat.operators.why import explain
from hub.config import Settings
from tests.fakes.model import says
from tests.flows.rig import Rig, rig
from tests.flows.test_answers import telegram, zapi

MARK = re.compile(r"\[EMAIL_[A-Z2-7]{8}\]")
MAIL, CPF = "ana.b@example.com", "529.982.247-25"
RULES = [
    {"type": "personalData", "kinds": ["Cpf"], "action": "mask", "name": "cpf"},
    {"type": "words", "words": ["top secret"], "action": "block", "name": "secret"},
]


async def given(r: Rig, **parameters: Any) -> None:
    await r.db.run("update gateways set parameters = parameters || $1", parameters)


async def test_an_answer_on_two_networks(settings: Settings) -> None:
    async with rig(settings, work=True) as r:
        await given(r, outputRules=RULES, outputBlockedText="I may not say that.")
        r.model.plan.extend([says("The CPF is 529.98", "2.247-25", "."), says("It is top", " secret.")])
        await r.w.knock("telegram", telegram("What is it?"))
        await r.w.until(lambda: r.net.final("700") == ["The CPF is [CPF]."])
        await r.w.knock("zapi", zapi("And else?"))
        await r.w.until(lambda: "I may not say that." in r.net.final())
        await r.w.settle()
        stored = [str(row["content"]) for row in await r.db.fetch("select content from messages")]
        assert not any(CPF in s or "top secret" in s for s in stored)
        fired = await r.db.fetch("select timings->'rules' as fired from turns order by created_at")
        assert [row["fired"] for row in fired] == [{"cpf": 1}, {"secret": 1}]
        # Why a message was answered so tells it.
        asked = await r.db.value("select id from inbox order by received_at limit 1")
        told = await explain(r.w.hub.db, r.w.account, asked)
        assert {"cpf": 1} in [s.get("timings", {}).get("rules") for s in told["steps"]]
        # Without rules the same words go out.
        await given(r, outputRules=[])
        r.model.plan.append(says(f"The CPF is {CPF}."))
        await r.w.knock("telegram", telegram("Once more?"))
        await r.w.until(lambda: r.net.final("700")[-1] == f"The CPF is {CPF}.")


async def test_placeholders_stay_the_same_in_a_conversation(settings: Settings) -> None:
    """Two people, each with placeholders of their own, the same in each of their turns."""
    async with rig(settings, work=True) as r:
        await given(r, providerMasking={"kinds": ["Email"], "words": []})
        seen: dict[str, set[str]] = {"telegram": set(), "zapi": set()}
        for turn, (channel, body) in enumerate((("telegram", telegram), ("zapi", zapi)) * 2, 1):
            r.model.plan.append(says("Good."))
            await r.w.knock(channel, body(f"I am {MAIL}"))
            await r.w.until(lambda turn=turn: len(r.model.calls) == turn)
            await r.w.settle()
            sent = orjson.dumps(r.model.calls[-1].body).decode()
            assert MAIL not in sent
            seen[channel] |= set(MARK.findall(sent))
        assert len(seen["telegram"]) == len(seen["zapi"]) == 1 and seen["telegram"] != seen["zapi"]
