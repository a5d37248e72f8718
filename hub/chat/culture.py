"""Labels of the chat page in the visitor's language."""

from collections.abc import Mapping

LABELS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "sendButtonLabel": "Send",
        "inputPlaceholder": "Type a message...",
        "helloLabel": "Hello!",
        "helloSubLabel": "How can I help you?",
        "stopLabel": "Stop",
        "retryLabel": "Try again",
        "clearLabel": "Start over",
        "attachLabel": "Attach a file",
        "copyLabel": "Copy",
        "errorLabel": "That did not work.",
        "stoppedLabel": "Stopped.",
        "youLabel": "You",
        "conversationLabel": "Conversation",
        "noScript": "This chat needs JavaScript.",
    },
    "pt": {
        "sendButtonLabel": "Enviar",
        "inputPlaceholder": "Digite uma mensagem...",
        "helloLabel": "Olá!",
        "helloSubLabel": "Como posso ajudar?",
        "stopLabel": "Parar",
        "retryLabel": "Tentar de novo",
        "clearLabel": "Recomeçar",
        "attachLabel": "Anexar um arquivo",
        "copyLabel": "Copiar",
        "errorLabel": "Não deu certo.",
        "stoppedLabel": "Interrompido.",
        "youLabel": "Você",
        "conversationLabel": "Conversa",
        "noScript": "Este chat precisa de JavaScript.",
    },
    "es": {
        "sendButtonLabel": "Enviar",
        "inputPlaceholder": "Escribe un mensaje...",
        "helloLabel": "¡Hola!",
        "helloSubLabel": "¿En qué puedo ayudarte?",
        "stopLabel": "Detener",
        "retryLabel": "Intentar de nuevo",
        "clearLabel": "Empezar de nuevo",
        "attachLabel": "Adjuntar un archivo",
        "copyLabel": "Copiar",
        "errorLabel": "No funcionó.",
        "stoppedLabel": "Detenido.",
        "youLabel": "Tú",
        "conversationLabel": "Conversación",
        "noScript": "Este chat necesita JavaScript.",
    },
}


def labels(lang: str) -> dict[str, str]:
    """All labels of one language ("pt", "en" or "es")."""
    return dict(LABELS[lang])


def preferred(setting: str | None, accept: str) -> str:
    """The client's own language, else the first of Accept-Language that we speak, else English."""
    wanted = [setting or ""] + [part.split(";")[0] for part in accept.split(",")]
    for code in wanted:
        short = code.strip().replace("_", "-").split("-")[0].lower()
        if short in LABELS:
            return short
    return "en"
