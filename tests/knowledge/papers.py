"""Files as people and enemies send them."""

import io
import zipfile
import zlib

import plutoprint
from pypdf import PdfReader, PdfWriter

TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
)
RELS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Target="word/document.xml" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
    'relationships/officeDocument"/></Relationships>'
)
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def pdf(*pages: str) -> bytes:
    """A page of each text."""
    book = plutoprint.Book(plutoprint.PAGE_SIZE_A5)
    book.load_html("".join(f'<p style="page-break-after: always">{text}</p>' for text in pages))
    made = io.BytesIO()
    book.write_to_pdf_stream(made)
    return made.getvalue()


def blank_pdf(pages: int) -> bytes:
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(100, 100)
    return written(writer)


def joined(*books: bytes) -> bytes:
    """The pages of all of them in one."""
    writer = PdfWriter()
    for book in books:
        writer.append(PdfReader(io.BytesIO(book)))
    return written(writer)


def with_blank_page(book: bytes) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(book)))
    writer.add_blank_page(100, 100)
    return written(writer)


def locked_pdf(password: str) -> bytes:
    """With an empty password everyone may open it."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf("The safe opens at nine."))))
    writer.encrypt(user_password=password, owner_password="owner", algorithm="AES-256")
    return written(writer)


def swelling_pdf(size: int) -> bytes:
    """A page whose content unpacks to `size` bytes."""
    packer = zlib.compressobj(9, wbits=-15)
    block = packer.compress(b"\0" * (1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)  # the same each time
    whole, check = size >> 20, (((size >> 20) << 20) % 65521) << 16 | 1  # Adler-32 of as many zeros
    packed = b"\x78\xda" + block * whole + b"\x03\x00" + check.to_bytes(4, "big")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >>",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n" % len(packed) + packed + b"\nendstream",
    ]
    body, places = b"%PDF-1.5\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n" % number + one + b"\nendobj\n"
    rows = b"".join(b"%010d 00000 n \n" % place for place in places)
    return body + (
        b"xref\n0 5\n0000000000 65535 f \n" + rows
        + b"trailer << /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % len(body)
    )


def written(writer: PdfWriter) -> bytes:
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


def docx(body: str, head: str = "", swelling: int = 0, footer: str = "") -> bytes:
    """`head` comes before the document's element, a further part unpacks to `swelling` bytes."""
    document = f'<?xml version="1.0"?>{head}<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("[Content_Types].xml", TYPES)
        archive.writestr("_rels/.rels", RELS)
        archive.writestr("word/document.xml", document)
        if footer:
            archive.writestr("word/footer1.xml", f'<w:ftr xmlns:w="{WORD}">{paragraph(footer)}</w:ftr>')
        if swelling:
            archive.writestr("word/a.xml", b"\0" * swelling)
    return made.getvalue()


def paragraph(text: str, style: str = "") -> str:
    mark = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f'<w:p>{mark}<w:r><w:t xml:space="preserve">{text}</w:t></w:r></w:p>'
