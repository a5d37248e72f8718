"""What a website says of itself to do harm is read in bounded work, and what is right in it is found all the same."""

import gzip

import pytest

from hub.knowledge import robots, website

GOOD = b"<url><loc>\n <![CDATA[https://a.example/x?a=1&amp;b]]> </loc></url><url><s:loc >https://a.example/</s:loc></url>"


@pytest.mark.parametrize("bad", [
    b"<loc>" + b" " * 2_000_000, b"<loc>" * 100_000, b"<loc><![CDATA[" * 50_000, b"<" + b"a" * 2_000_000,
    b"<loc" + b"\t" * 2_000_000 + b"<", (b"<loc>" + b"\n" * 199 + b"]") * 5000,
])
def test_a_map_that_is_made_to_take_long(bad: bytes) -> None:
    """Blanks within an address once took a minute for five hundred of them, with all else held up."""
    body = b"<urlset>" + GOOD + bad + b"</urlset>"
    want = ["https://a.example/x?a=1&b", "https://a.example/"]
    for one in (body, gzip.compress(body)):
        assert website.listed(one) == (want, False)


def test_a_map_lists_so_many() -> None:
    one = b"<loc>https://a.example/%d</loc>"
    found = website.listed(b"<urlset>" + b"".join(one % n for n in range(website.LISTED + 10)))
    assert found is not None and found[0] == [f"https://a.example/{n}" for n in range(website.LISTED)]


def test_words_without_end_are_no_list() -> None:
    assert website.listed(b"https://a.example/ " + b"a " * 5_000_000) is None
    assert website.listed(b"a " * 5_000_000) is None
    assert website.listed(b"https://a.example/1\nhttps://a.example/2\n") == (
        ["https://a.example/1", "https://a.example/2"], False)


def test_many_rules_and_many_links() -> None:
    """Compared are so many; the rest is looked at when it is read."""
    rules = robots.read("User-agent: *\nDisallow: /private\n" + "Disallow: /*a*b*c$\n" * 20_000)
    links = [f"https://a.example/private/{n}" for n in range(5000)]
    found = robots.open_to(rules, links)
    assert found == links[-len(found):] and len(links) - len(found) == robots.COMPARED // len(rules.paths)
    few = robots.read("User-agent: *\nDisallow: /private\n")
    assert robots.open_to(few, [*links, "https://a.example/"]) == ["https://a.example/"]
