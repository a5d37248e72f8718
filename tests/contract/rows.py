"""The 65 documented endpoints: method and path as printed, what is asked for, and the printed statuses."""

from typing import NamedTuple

KEY = "key"
CLIENT, HOOKS = "/api/v1/web-chat-client", "/api/v1/web-chat-clients/<web-chat-id>/hook-schedules"
SHELL, PUBLIC = "/api/v1/shell/io", "/api/v1/public/chat-clients/<access-key>"
COLLECTIONS, DOCUMENTS = "/api/v1/collections", "/api/v1/collections/<collection-id>/documents"
USER = ("X-Shell-User-Id",)
PATH = ("path",)


class Row(NamedTuple):
    """`needed` and `optional` are names of the query string, `headers` those of headers beside the key."""

    method: str
    path: str
    statuses: tuple[int, ...] = (200,)
    needed: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()

    @property
    def public(self) -> bool:
        """Whether the access key in the path is the credential."""
        return self.path.startswith(PUBLIC)


ROWS = {
    "A-01": Row("GET", "/v1/models"),
    "A-02": Row("POST", "/v1/chat/completions", (200, 400, 401, 402, 403, 404, 429), headers=("Sse-Stream-Options",)),
    "A-03": Row("GET", HOOKS, optional=("external-user-id",)),
    "A-04": Row("GET", HOOKS + "/schedules/<id>", (200, 404)),
    "A-05": Row("DELETE", HOOKS + "/schedules/<id>", (200, 404)),
    "A-06": Row("GET", HOOKS + "/recurring/<id>", (200, 404)),
    "A-07": Row("DELETE", HOOKS + "/recurring/<id>", (200, 404)),
    "A-08": Row("GET", CLIENT),
    "A-09": Row("POST", CLIENT),
    "A-10": Row("GET", CLIENT + "/<id>"),
    "A-11": Row("PUT", CLIENT + "/<id>"),
    "A-12": Row("DELETE", CLIENT + "/<id>"),
    "A-13": Row("PUT", CLIENT + "/<id>/integrations"),
    "A-14": Row("DELETE", CLIENT + "/<id>/integrations/<name>"),
    "A-15": Row("POST", CLIENT + "/<chat-client-id>/sessions"),
    "A-16": Row("GET", CLIENT + "/<chat-client-id>/sessions", optional=("filter",)),
    "A-17": Row("DELETE", CLIENT + "/<chat-client-id>/sessions/<session-id>"),
    "A-18": Row("GET", "/api/v1/skills"),
    "A-19": Row("POST", "/api/v1/skills"),
    "A-20": Row("GET", "/api/v1/skills/<skill-id>"),
    "A-21": Row("PUT", "/api/v1/skills/<skill-id>"),
    "A-22": Row("DELETE", "/api/v1/skills/<skill-id>"),
    "A-23": Row("DELETE", "/api/v1/skills/management/clear"),
    "A-24": Row("POST", "/api/v1/skills/management/import"),
    "A-25": Row("GET", "/api/v1/skills/management/export.jsonl"),
    "A-26": Row("GET", SHELL + "/file", (200, 404), PATH, headers=USER),
    "A-27": Row("POST", SHELL + "/file", (200,), PATH, headers=USER),
    "A-28": Row("DELETE", SHELL + "/file", (200, 404), PATH, headers=USER),
    "A-29": Row("GET", SHELL + "/listing", (200, 404), PATH, headers=USER),
    "A-30": Row("POST", SHELL + "/directory", (200,), PATH, headers=USER),
    "A-31": Row("DELETE", SHELL + "/directory", (200, 400, 404), PATH, headers=USER),
    "A-32": Row("GET", SHELL + "/file/details", (200, 404), PATH, headers=USER),
    "A-33": Row("GET", SHELL + "/file/public-address", (200, 404), PATH, headers=USER),
    "A-34": Row("POST", "/api/v1/query"),
    "A-35": Row("GET", PUBLIC, (200, 422)),
    "A-36": Row("DELETE", PUBLIC),
    "A-37": Row("POST", PUBLIC + "/retry", (204, 400, 422)),
    "A-38": Row("POST", PUBLIC + "/prompt", (200, 402, 422)),
    "A-39": Row("GET", PUBLIC + "/transcript.json", (200, 422)),
    "A-40": Row("GET", "/api/v1/memories", optional=("filter", "format")),
    "A-41": Row("DELETE", "/api/v1/memories", (200, 400, 404), optional=("id", "externalUserId", "format")),
    "A-42": Row("GET", "/api/v1/memories/<id>", (200, 404)),
    "A-43": Row("GET", COLLECTIONS),
    "A-44": Row("POST", COLLECTIONS),
    "A-45": Row("PUT", COLLECTIONS + "/<collection-id>"),
    "A-46": Row("GET", COLLECTIONS + "/<collection-id>"),
    "A-47": Row("DELETE", COLLECTIONS + "/<collection-id>"),
    "A-48": Row("DELETE", COLLECTIONS + "/<collection-id>/reset-only"),
    "A-49": Row("DELETE", COLLECTIONS + "/<collection-id>/vectors-only"),
    "A-50": Row("GET", COLLECTIONS + "/<collection-id>/export.jsonl"),
    "A-51": Row("GET", DOCUMENTS, optional=("filter", "order_by", "state")),
    "A-52": Row("POST", DOCUMENTS),
    "A-53": Row("PUT", DOCUMENTS),
    "A-54": Row("GET", DOCUMENTS + "/<document-id>"),
    "A-55": Row("DELETE", DOCUMENTS + "/<document-id>"),
    "A-56": Row("POST", "/api/v1/ai-gateways"),
    "A-57": Row("GET", "/api/v1/ai-gateways", optional=("filter",)),
    "A-58": Row("PATCH", "/api/v1/ai-gateways/<id>"),
    "A-59": Row("GET", "/api/v1/ai-gateways/<id>"),
    "A-60": Row("DELETE", "/api/v1/ai-gateways/<id>"),
    "A-61": Row("PUT", "/api/v1/accounts", (200, 400)),
    "A-62": Row("POST", "/api/v1/accounts/roll-salt"),
    "A-63": Row("GET", "/api/v1/accounts/api-key"),
    "A-64": Row("POST", "/api/v1/accounts/api-key", (200, 400)),
    "A-65": Row("DELETE", "/api/v1/accounts/api-key/<key-id>", (200, 400)),
}
