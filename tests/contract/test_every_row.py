"""What is documented of all rows at once: the key in its forms, and the body of errors."""

import base64
from uuid import uuid4

import pytest

from tests.contract.asking import Contract, Json
from tests.contract.rows import ROWS

pytestmark = pytest.mark.asyncio(loop_scope="module")
KEYED = [id for id, row in ROWS.items() if not row.public]
PUBLIC_KEY = {"A-01", "A-02", "A-34"}
# What makes a request good enough to be looked at; ids in paths are nobody's.
BODIES: dict[str, Json] = {"A-13": {"integrationType": "Zapi", "integrations": {}}}


def variables(id: str) -> list[str]:
    return [str(uuid4())] * ROWS[id].path.count("<")


def asked(id: str, **headers: str) -> Json:
    body = {"sent": BODIES.get(id, {})} if ROWS[id].method in ("POST", "PUT", "PATCH") else {}
    return {"headers": {"X-Shell-User-Id": "ana", **headers}, "query": {"path": "/none"}, **body}


@pytest.mark.parametrize("id", KEYED)
async def test_without_a_valid_key(api: Contract, id: str) -> None:
    for key in ("", "sk-hub-unknown", "eyJhbGciOiJIUzI1NiJ9.e30.x"):
        body = await api.refused(id, 401, *variables(id), key=key, **asked(id))
        assert body["code"] == "unauthorized"
    query = {"path": "/none", "api-key": "sk-hub-unknown"}
    await api.refused(id, 401, *variables(id), key="", **{**asked(id), "query": query})


@pytest.mark.parametrize("id", KEYED)
async def test_every_form_of_the_key(api: Contract, id: str) -> None:
    basic = base64.b64encode(f"anyone:{api.key}".encode()).decode()
    answers = [
        await api.row(id, *variables(id), key="", **asked(id, Authorization=header))
        for header in (f"Bearer {api.key}", f"Basic {basic}", api.key)
    ]
    in_query = {**asked(id), "query": {"path": "/none", "api-key": api.key}}
    answers.append(await api.row(id, *variables(id), key="", **in_query))
    assert 401 not in {a.status for a in answers} and len({a.status // 100 for a in answers}) == 1


@pytest.mark.parametrize("id", KEYED)
async def test_a_public_key_reaches_only_what_it_may(api: Contract, id: str) -> None:
    got = await api.row(id, *variables(id), key=api.public, **asked(id))
    assert (got.status == 403) is (id not in PUBLIC_KEY)


@pytest.mark.parametrize("id", [id for id in KEYED if "<" in ROWS[id].path and id != "A-65"])
async def test_ids_of_nobody(api: Contract, id: str) -> None:
    """404 everywhere, whatever else is wrong with the path; api.md: only A-65 answers 400."""
    got = await api.row(id, *variables(id), **asked(id))
    assert got.status == (400 if id in ("A-13", "A-14", "A-53") else 404), got.body
    for value in ("x", "0", "%00"):
        got = await api.row(id, *[value] * len(variables(id)), **asked(id))
        assert got.status in (400, 404), (value, got.body)
