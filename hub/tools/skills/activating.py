"""What active skills bring: their instructions, and the tools that are hidden without them."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from hub.domain import Json, Skill
from hub.errors import HubError
from hub.task_groups import together
from hub.tools import sources as addresses
from hub.tools.base import Context, Tool
from hub.tools.untrusted_text import fenced

log = logging.getLogger(__name__)
TAG = "activated_skill"


async def activated(context: Context, skills: Sequence[Skill], slugs: Sequence[str]) -> str:
    """For the system instructions: a block for each active skill; "" when none is active.

    A source that cannot be read is named in its place: the rest of the skill is of use without it.
    """
    return "\n\n".join(await together(*(_block(context, s) for s in chosen(skills, slugs))))


def visible(tools: Sequence[Tool], parameters: Mapping[str, Any], active: Sequence[Skill]) -> list[Tool]:
    """The tools a model may see: with `hideToolsWithoutSkill` only those that are reserved, always
    visible, or allowed by an active skill. Names are compared exactly. Pure."""
    if not parameters.get("hideToolsWithoutSkill"):
        return list(tools)
    shown = set(parameters.get("alwaysVisibleTools") or ())
    shown.update(name for skill in active for name in skill.options.get("allowedToolsNames") or ())
    return [t for t in tools if t.reserved or t.name in shown]


def chosen(skills: Sequence[Skill], slugs: Sequence[str]) -> list[Skill]:
    """The skills of these slugs, in the order of the slugs."""
    known = {s.slug: s for s in skills}
    return [known[slug] for slug in slugs if slug in known]


async def _block(context: Context, skill: Skill) -> str:
    sources = skill.options.get("instructionSources") or ()
    texts = [skill.instructions, *await together(*(_text(context, skill, source) for source in sources))]
    return fenced(TAG, "\n\n".join(texts), {"slug": skill.slug})


async def _text(context: Context, skill: Skill, source: Json) -> str:
    try:
        return (await addresses.instructions(context, [source]))[0]
    except HubError as e:
        log.warning("skill %s: %s", skill.id, e)
        return f"(The source '{source['name']}' of this skill cannot be read at the moment.)"
