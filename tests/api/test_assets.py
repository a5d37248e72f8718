"""The pages' files: hashed names that never change, minified, bundled and compressed."""

import gzip
import re
from pathlib import Path

import brotli
from aiohttp import ClientSession

from hub.api.http import assets
from tests.api.conftest import Api


async def test_a_page_names_files_that_are_kept_for_ever(api: Api) -> None:
    page = (await api.call("GET", "/console/login", key="")).body
    address = re.search(r'href="(/assets/console\.[0-9a-f]{10}\.css)"', page)
    assert address
    async with ClientSession(auto_decompress=False) as http:
        sent = {}
        for coding in ("br", "gzip", "identity", "br;q=0, gzip"):
            async with http.get(api.url + address[1], headers={"Accept-Encoding": coding}) as got:
                assert got.status == 200 and got.content_type == "text/css" and got.headers["Vary"] == "Accept-Encoding"
                assert got.headers["Cache-Control"] == "public, max-age=31536000, immutable"
                sent[coding] = (got.headers.get("Content-Encoding"), await got.read(), got.headers["ETag"])
        plain = sent["identity"][1]
        assert sent["br"][0] == "br" and brotli.decompress(sent["br"][1]) == plain
        assert sent["gzip"][0] == "gzip" and gzip.decompress(sent["gzip"][1]) == plain
        assert sent["br;q=0, gzip"][0] == "gzip" and sent["identity"][0] is None
        assert len(plain) < (assets.FOLDER / "console.css").stat().st_size
        async with http.get(api.url + address[1], headers={"If-None-Match": sent["br"][2]}) as got:
            assert got.status == 304 and await got.read() == b""


async def test_other_versions_and_other_files(api: Api) -> None:
    """A page from before an upgrade still gets its file; nothing outside the folder is a file."""
    got = await api.call("GET", "/assets/console.0123456789.js", key="")
    assert got.status == 200 and got.headers["Cache-Control"] == "no-cache"
    for name in ("none.js", "../pyproject.toml", "%2e%2e/pyproject.toml", "console.html", ""):
        assert (await api.call("GET", f"/assets/{name}", key="")).status == 404


def test_a_file_takes_in_others_once(tmp_path: Path) -> None:
    text = 'import { two } from "./two.js";\nimport "./three.js";\nexport const one = two + 1; // sum\n'
    (tmp_path / "one.js").write_text(text)
    (tmp_path / "two.js").write_text('import "./three.js";\nexport const two = 2;\n')
    (tmp_path / "three.js").write_text("globalThis.three = (globalThis.three || 0) + 1;\n")
    (tmp_path / "a.css").write_text('@import "b.css";\na { color: red; }\n')
    (tmp_path / "b.css").write_text("b { color: blue; }\n")
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "x.min.js").write_text("/* as it is */ x();")
    found = assets.read(tmp_path)
    text = found["one.js"].plain.decode()
    assert text.count("globalThis.three=") == 1 and "import" not in text and "sum" not in text
    assert text.count("export ") == 1 and "export const one" in text
    assert text.index("three") < text.index("const two") < text.index("const one")
    assert found["a.css"].plain == b"b{color:blue}a{color:red}"
    vendored = found["vendor/x.min.js"]
    assert vendored.plain == b"/* as it is */ x();"
    assert re.fullmatch(r"/assets/vendor/x\.min\.[0-9a-f]{10}\.js", vendored.address)
