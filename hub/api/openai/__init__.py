"""The OpenAI-compatible part of the API."""

from hub.api.http.operation import Route
from hub.api.openai import anthropic, completions, media, plain, text_completions
from hub.api.openai.embeddings import embed
from hub.api.openai.models import model, models
from hub.api.openai.responses import cancel, create, get, items, remove
from hub.api.openai.responses import count as count_input

complete = plain.first(completions.complete)
ROUTES: tuple[Route, ...] = (
    Route("GET", "/v1/models", models),
    Route("POST", "/v1/chat/completions", complete),
    Route("GET", "/v1/models/{id:.+}", model),
    Route("POST", "/v1/completions", text_completions.create),
    Route("POST", "/v1/embeddings", embed),
    Route("POST", "/v1/responses", create),
    Route("POST", "/v1/responses/input_tokens", count_input),
    Route("GET", "/v1/responses/{id}", get),
    Route("DELETE", "/v1/responses/{id}", remove),
    Route("GET", "/v1/responses/{id}/input_items", items),
    Route("POST", "/v1/responses/{id}/cancel", cancel),
    Route("POST", "/v1/messages", anthropic.create),
    Route("POST", "/v1/messages/count_tokens", anthropic.count),
    Route("POST", "/v1/audio/speech", media.speak),
    Route("POST", "/v1/audio/transcriptions", media.transcribe),
    Route("POST", "/v1/images/generations", media.draw),
    Route("POST", "/v1/moderations", media.moderate),
    Route("POST", "/v1/rerank", media.rank),
    Route("POST", "/api/v1/chat/completions", complete, alias=True),
)
