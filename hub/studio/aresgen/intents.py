"""What a conversation is about, in a word."""

import logging
import re
import time
from collections.abc import Mapping
from uuid import UUID

from hub.domain import Gateway
from hub.engine import messages as chat_messages
from hub.errors import HubError
from hub.language.folding import fold
from hub.language.human_requests import wants_human
from hub.language.words import words
from hub.llm import aside
from hub.runtime import Hub

log = logging.getLogger(__name__)

OTHER, GREETING, HUMAN = "other", "greeting", "human"
# Intents that say little: the next message is looked at again.
VAGUE = (None, OTHER, GREETING)
SECONDS, TOKENS, SHOWN = 15.0, 20, 2000
LABEL = re.compile(r"[a-z][a-z_]{1,38}[a-z]")
ASKED = (
    "Name the intent of the customer's message in one to three English words in snake_case, such as pricing,"
    " order_status, refund, complaint, support, opening_hours, cancellation, booking, human, greeting or other."
    " Answer with the label alone."
)
# Beginnings of folded words, or (with a space behind) whole ones; the first intent that fits is taken.
RULES: Mapping[str, tuple[str, ...]] = {
    "refund": ("refund", "reembols", "estorn", "devolu", "devolv", "dinheiro de volta", "money back", "chargeback"),
    "cancellation": ("cancel", "unsubscrib", "dar de baja", "desist"),
    "order_status": (
        "pedido", "order", "entrega", "deliver", "rastre", "track", "envio", "shipping", "encomenda", "paquete",
    ),
    "complaint": ("reclam", "complain", "queja", "pessim", "horrible", "terrible", "absurd", "insatisf", "unaccept"),
    "booking": ("agend", "reserv", "book", "appointment", "marcar", "cita", "schedule"),
    "opening_hours": (
        "horario", "opening hour", "open ", "abre", "fecha", "abierto", "cierra", "funcionamento", "closed",
    ),
    "pricing": ("preco", "price", "precio", "cost", "custa", "cuesta", "valor", "quanto", "cuanto", "how much", "plan"),
    "payment": ("pag", "pay", "boleto", "pix ", "cartao", "card", "tarjeta", "invoice", "fatura", "factura"),
    "support": (
        "erro", "error", "nao funciona", "not work", "no funciona", "help", "ajuda", "ayuda", "problem", "suporte",
        "support", "soporte", "broken", "bug ",
    ),
    GREETING: ("oi ", "ola ", "hi ", "hello ", "hey ", "hola ", "bom dia", "boa tarde", "boa noite", "buen", "good "),
}


def by_rules(text: str) -> str:
    """The intent by words that speak for one. Pure."""
    if wants_human(text):
        return HUMAN
    folded = f" {' '.join(words(text))} "
    return next((intent for intent, starts in RULES.items() if any(f" {s}" in folded for s in starts)), OTHER)


async def named(hub: Hub, account: UUID, gateway: Gateway, text: str, key: UUID | None = None) -> str:
    """The intent by the model; by rules where it follows no instructions, fails, or says something else."""
    helper, model = gateway, str(gateway.parameters.get("modelName") or "")
    if hub.settings.helper_model:
        helper, model = aside.helper_gateway(account, hub.settings.helper_model), hub.settings.helper_model
    if hub.models.offline(helper, model):
        return by_rules(text)
    flags = aside.flags_of(hub.models, helper, model)
    messages = chat_messages.flagged(
        [{"role": "system", "content": ASKED}], [{"role": "user", "content": text[:SHOWN]}], flags
    )
    try:
        said, rows = await aside.ask(
            hub.models, helper, model, messages, time.monotonic() + SECONDS, flags=flags,
            size=sum(chat_messages.tokens(m) for m in messages), tokens=TOKENS, sku="inference.resolving.intent",
            what="Naming an intent",
        )
    except HubError as e:
        log.info("an intent was not named by the model: %s", e)
        return by_rules(text)
    await hub.meter.add(account, rows, key=key)
    label = re.sub(r"\W+", "_", fold(said)).strip("_")
    return label if LABEL.fullmatch(label) and label.count("_") <= 3 else by_rules(text)
