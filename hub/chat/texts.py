"""What the hub itself says to people, in their language."""

from collections.abc import Mapping

TEXTS: Mapping[str, Mapping[str, str]] = {
    "fallback": {
        "pt": "Desculpe, não consegui responder agora. Tente de novo daqui a pouco.",
        "en": "Sorry, I could not answer just now. Please try again in a moment.",
        "es": "Lo siento, no pude responder ahora. Inténtalo de nuevo en un momento.",
    },
    "limit": {
        "pt": "Você enviou muitas mensagens na última hora. Espere um pouco e escreva de novo.",
        "en": "You have sent many messages within the last hour. Please wait a little and write again.",
        "es": "Has enviado muchos mensajes en la última hora. Espera un poco y vuelve a escribir.",
    },
    "blocked": {
        "pt": "Esta conversa chegou ao limite de mensagens. Envie /reset para começar outra.",
        "en": "This conversation has reached its limit of messages. Send /reset to start a new one.",
        "es": "Esta conversación llegó al límite de mensajes. Envía /reset para empezar otra.",
    },
    "reset": {
        "pt": "Conversa reiniciada. Como posso ajudar?",
        "en": "Conversation cleared. How can I help?",
        "es": "Conversación reiniciada. ¿En qué puedo ayudar?",
    },
    "usage": {
        "pt": "Mensagens nesta conversa: {messages}. Tokens: {tokens}.",
        "en": "Messages in this conversation: {messages}. Tokens: {tokens}.",
        "es": "Mensajes en esta conversación: {messages}. Tokens: {tokens}.",
    },
    "choose": {"pt": "Escolha", "en": "Choose", "es": "Elija"},
    "attachment": {
        "pt": "[Anexo: {what}]",
        "en": "[Attachment: {what}]",
        "es": "[Adjunto: {what}]",
    },
}
DEFAULT = "en"


def language(*codes: str | None) -> str:
    """The first language we speak among BCP 47 codes ("pt-br" is "pt"); English otherwise."""
    for code in codes:
        short = (code or "").replace("_", "-").split("-", 1)[0].lower()
        if short in TEXTS["fallback"]:
            return short
    return DEFAULT


def by_phone(phone: str | None) -> str | None:
    """A guess from the country of a phone number, for networks that tell no language."""
    if not phone:
        return None
    if phone.startswith(("55", "351", "244", "258")):
        return "pt"
    if phone.startswith(("34", "52", "54", "56", "57", "51", "58", "593", "595", "598")):
        return "es"
    return None


def say(name: str, lang: str, **values: object) -> str:
    """One text in one language."""
    return TEXTS[name].get(lang, TEXTS[name][DEFAULT]).format(**values)
