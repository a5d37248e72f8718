"""What somebody writes with a client for Python that was made of the hub's own document."""

import json
import sys

from client import AuthenticatedClient
from client.api.ai_gateways import gateways_create, gateways_listed
from client.api.inbox import desk_view, exports_whole
from client.models import Error, GatewayIn

address, key = sys.argv[1:3]
hub = AuthenticatedClient(base_url=address, token=key)
given = {"name": "Typed", "parameters": {"baseAddress": "@integrated", "modelName": "@hub/extractive"}}
made = gateways_create.sync(client=hub, body=GatewayIn.from_dict(given))
listed = gateways_listed.sync(client=hub)
desk = desk_view.sync(client=hub)
nobody = exports_whole.sync_detailed("00000000-0000-0000-0000-000000000000", client=hub)
print(json.dumps({
    "made": str(made.ai_gateway_id), "listed": [g.name for g in listed], "target": desk.target_minutes,
    "status": nobody.status_code, "code": nobody.parsed.code if isinstance(nobody.parsed, Error) else None,
}))
