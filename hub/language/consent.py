"""What people send to get no more unasked messages, or to get them again: Portuguese, English, Spanish."""

from hub.language.folding import plain

# The whole message must be one of these, in any case and typography, with or without accents and full stop.
STOP = frozenset(
    plain(words) for words in (
        "stop", "/stop", "stop all", "stopall", "unsubscribe", "opt out", "opt-out", "optout", "stop messages",
        "stop sending me messages", "do not message me", "don't message me",
        "parar", "pare", "sair", "descadastrar", "descadastre-me", "remover", "cancelar inscricao",
        "cancelar mensagens", "parar mensagens", "pare de me mandar mensagens", "nao quero receber",
        "nao quero mais receber", "nao quero receber mensagens", "nao quero mais receber mensagens",
        "baja", "dar de baja", "darme de baja", "alto", "salir", "cancelar suscripcion", "no molestar",
        "no quiero recibir", "no quiero recibir mensajes", "no quiero recibir mas mensajes", "no mas mensajes",
    )
)
START = frozenset(
    plain(words) for words in (
        "start", "unstop", "subscribe", "opt in", "opt-in", "optin",
        "voltar", "quero receber", "quero receber mensagens", "inscrever",
        "volver", "alta", "quiero recibir", "quiero recibir mensajes", "suscribir",
    )
)
