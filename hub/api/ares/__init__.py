"""The ARES API."""

from hub.api.ares import agents, auth, chat, conversations, memory
from hub.api.http.operation import Route

ROUTES: tuple[Route, ...] = (
    *auth.ROUTES,
    *chat.ROUTES,
    *conversations.ROUTES,
    *memory.ROUTES,
    *agents.ROUTES,
)
