"""The OpenAI-compatible part of the API."""

from hub.api.http.operation import Route
from hub.api.openai.completions import complete
from hub.api.openai.embeddings import embed
from hub.api.openai.models import models

ROUTES: tuple[Route, ...] = (
    Route("GET", "/v1/models", models),
    Route("POST", "/v1/chat/completions", complete),
    Route("POST", "/v1/embeddings", embed),
    Route("POST", "/api/v1/chat/completions", complete, alias=True),
)
