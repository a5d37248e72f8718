"""The AresGen API: one list of endpoints. Completions (G-01) are those of hub.api.openai."""

from hub.api.aresgen import chatbots, documents, live, threads, voices, webhooks, workflows, workspace
from hub.api.aresgen.live import close
from hub.api.http.operation import Route

ROUTES: tuple[Route, ...] = (
    *threads.ROUTES,
    *documents.ROUTES,
    *live.ROUTES,
    *voices.ROUTES,
    *chatbots.ROUTES,
    *workflows.ROUTES,
    *webhooks.ROUTES,
    *workspace.ROUTES,
)

__all__ = ["ROUTES", "close"]
