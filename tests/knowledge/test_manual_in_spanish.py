"""How-to questions in Spanish, in people's words, over the manual as the demo has it: the Spanish chapter answers."""

from collections import Counter
from uuid import UUID

import pytest

from hub.knowledge.search import search
from hub.language.words import language
from hub.llm.embedder import Embedder
from hub.processes.init import manual
from hub.store.db import Db
from tests.knowledge.manual_chapters import same
from tests.knowledge.test_manual_answers import MOST, _asked, shelved

# The question, the chapter that tells it, and a word that its answer has.
ASKED = (
    ("¿Cómo instalo y arranco el hub?", "¿Cómo inicio el hub?", "make up"),
    ("¿Cómo conecto Telegram?", "¿Cómo conecto Telegram?", "BotFather"),
    ("¿Cómo conecto WhatsApp con Z-API?", "¿Cómo conecto WhatsApp con Z-API?", "instancia"),
    ("¿Cómo conecto WhatsApp de Meta?", "¿Cómo conecto WhatsApp directamente con Meta?", "developers.facebook.com"),
    ("¿Cómo pongo el chat en mi sitio web?", "¿Cómo pongo el chat en mi sitio web?", "canal"),
    ("¿Por qué no responde mi bot?", "¿Por qué mi bot no responde?", "why"),
    ("¿Cómo uso Ollama?", "¿Cómo uso OpenAI, Groq, Ollama u otro modelo?", "HUB_OUTBOUND_ALLOW|baseAddress"),
    ("¿Cómo le enseño mis documentos al bot?", "¿Cómo enseño al bot mis propios documentos?", "colección"),
    ("¿Cómo hago una copia de seguridad?", "¿Cómo hago una copia de seguridad?", "hub backup"),
    ("¿Cómo cambio el idioma de la consola?", "¿Cómo cambio el idioma de la consola?", "Idioma"),
    ("¿Cómo entro con Google?", "¿Cómo entro con Google, Microsoft o Keycloak?", "HUB_OIDC_PROVIDERS"),
    ("¿Cómo tomo una conversación?", "¿Cómo tomo una conversación?", "Tomar"),
    ("¿Cómo exporto una conversación en PDF?", "¿Cómo guardo, imprimo o exporto conversaciones?", "PDF"),
    ("¿Cómo envío una campaña?", "¿Cómo envío una campaña?", "campaigns"),
    ("¿Cómo envío una plantilla de WhatsApp?", "¿Cómo envío una plantilla de WhatsApp?", "lantilla"),
    ("¿Qué eventos hay?", "¿Qué eventos hay?", "session.message.received"),
    ("¿Cómo compruebo la firma de un evento?", "¿Cómo compruebo que un evento viene del hub?", "Aresgen-Signature"),
    ("¿Dónde está la clave de API?", "¿Dónde está la clave de API?", "bootstrap.json"),
)


def test_they_are_asked_in_spanish_of_chapters_that_are_there() -> None:
    chapters = {one.name for one in manual() if one.tags == ("es",)}
    assert {chapter for _, chapter, _ in ASKED} <= chapters and len(ASKED) >= 12
    assert {language(ask) for ask, *_ in ASKED} <= {"es", None}


async def test_questions_in_spanish_find_the_spanish_chapter_first(
    db: Db, embedder: Embedder, account: UUID,
) -> None:
    collection = await shelved(db, embedder, account)
    told, count = list[str](), Counter[str]()
    for ask, chapter, right in ASKED:
        names, answer = await _asked(db, embedder, account, collection, ask)
        answered = any(word in answer for word in right.split("|"))
        count.update({"first": names[:1] == [chapter], "there": chapter in names, "right": answered})
        if names[:1] != [chapter] or not answered:
            told.append(f"{ask} {names} {answer[:150]!r}")
    said = f"{count} of {len(ASKED)}\n" + "\n".join(told)
    assert count["there"] == len(ASKED) and count["first"] >= len(ASKED) - 2 and count["right"] >= 12, said


@pytest.mark.parametrize(
    ("ask", "lang"),
    [("How do I connect Telegram?", "en"), ("Como conecto o Telegram?", "pt"), ("¿Cómo conecto Telegram?", "es")],
)
async def test_each_language_finds_its_own_before_the_others(
    db: Db, embedder: Embedder, account: UUID, ask: str, lang: str,
) -> None:
    found = await search(db, embedder, account, [await shelved(db, embedder, account)], [ask], MOST, 0.0)
    tags = {one.name: one.tags for one in manual()}
    assert tags[found[0].name] == (lang,)
    assert found[0].name in same()[ask]
