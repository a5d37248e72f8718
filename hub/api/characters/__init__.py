"""The Characters API."""

from hub.api.characters import agents, conversations, images, models
from hub.api.http.operation import Route

ROUTES: tuple[Route, ...] = (
    *models.ROUTES,
    *conversations.ROUTES,
    *agents.ROUTES,
    *images.ROUTES,
)
