"""Print HTML as PDF. Nothing is fetched: an image is in the page as a `data:` address or not at all.

Input: one line of JSON {"memory" (bytes), "seconds", "pages" (most), "title"}, then the HTML in
UTF-8. Output: the PDF. Ends with another code than 0 when there is nothing to print.
"""

import io
import json
import resource
import sys

import plutoprint


class Nothing(plutoprint.ResourceFetcher):
    """Whatever a page asks for is not there: no address is called, no file opened."""

    def fetch_url(self, url: str) -> plutoprint.ResourceData:
        raise ValueError("nothing is fetched")


def main() -> None:
    asked = json.loads(sys.stdin.buffer.readline())
    limits = {
        resource.RLIMIT_CPU: int(asked["seconds"]) + 1, resource.RLIMIT_AS: asked["memory"],
        resource.RLIMIT_FSIZE: 0, resource.RLIMIT_CORE: 0, resource.RLIMIT_NPROC: 0,
    }
    for limit, value in limits.items():
        resource.setrlimit(limit, (value, value))
    book = plutoprint.Book(plutoprint.PAGE_SIZE_A4)
    book.custom_resource_fetcher = Nothing()
    book.load_html(sys.stdin.buffer.read().decode())
    if book.get_page_count() > asked["pages"]:
        sys.exit(3)
    if asked["title"]:
        book.set_metadata(plutoprint.PDF_METADATA_TITLE, asked["title"])
    made = io.BytesIO()
    book.write_to_pdf_stream(made)
    sys.stdout.buffer.write(made.getvalue())


main()
