"""What a conversation is about, by words that speak for it: Portuguese, English, Spanish."""

from collections.abc import Mapping

OTHER, GREETING, HUMAN = "other", "greeting", "human"
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
