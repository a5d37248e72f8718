"""Bytes as text: by their mark, by what they can only be, by what they say of themselves, by how they look."""

import codecs
import re
import unicodedata
from collections import Counter

MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
         (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:-]{2,40})""")
# What browsers take these for.
SUPERSETS = {"iso8859-1": "cp1252", "ascii": "cp1252", "iso8859-9": "cp1254", "iso8859-11": "cp874"}
WESTERN = "áàâãäéèêëíìîïóòôõöúùûüçñß"
MARKS_WESTERN = "“”‘’–—…•°ºª§€£©®™«»¿¡·½¼¾×±²³´¨\u00a0"
EASTERN = "ąćęłńóśźżáčďéěíňřšťúůýžőűäëöüçăâîșțşţđß"
CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюяёіїєґ"
# In the order in which they are taken when they look alike: Portuguese in cp1252 is never taken for Romanian in cp1250.
LOOKS = (("cp1252", WESTERN, 2), ("cp1251", CYRILLIC, 99), ("koi8-r", CYRILLIC, 99), ("cp1250", EASTERN, 2),
         ("iso8859-2", EASTERN, 2), ("mac-roman", WESTERN, 2), ("cp850", WESTERN, 2))
GOOD = 0.95
LOOKED_AT = 40_000
SCRIPTS = 4  # high bytes of a text in one script, its blanks and its quotes
JAPANESE = re.compile(rb"\x1b\$[@B]|\x1b\(J")  # seven bits: else it would pass for UTF-8
STRAY = re.compile("[\udc80-\udcff]+")
RUN = re.compile(r"[^\x00-\x7f]+")


def decoded(raw: bytes, declared: str | None = None) -> str:
    """The text of some bytes, without their mark; declared: what came along with them says."""
    for mark, name in MARKS:
        if raw.startswith(mark):
            return raw.decode(name, "replace").removeprefix("\ufeff")
    wide = _wide(raw)
    if wide:
        return raw.decode(wide, "replace")
    if JAPANESE.search(raw[:LOOKED_AT]):
        return raw.decode("iso2022_jp_2", "replace")
    try:
        # What is UTF-8 by chance is UTF-8, whatever it says of itself.
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        mostly = _mostly(raw)
    if mostly is not None:
        return mostly
    for said in (declared, _says(raw)):
        text = _by(raw, said)
        if text is not None:
            return text
    return raw.decode(guessed(raw), "replace")


def _mostly(raw: bytes) -> str | None:
    """UTF-8 that was cut off, or into which other text was pasted: the rest of it stays what it is."""
    text = raw.decode("utf-8", "surrogateescape")
    bad = sum(map(len, STRAY.findall(text)))
    good = sum(c > "\x7f" for c in text) - bad
    if good <= 3 * bad:
        return None
    return STRAY.sub(lambda m: m[0].encode("utf-8", "surrogateescape").decode("cp1252", "replace"), text)


def guessed(raw: bytes) -> str:
    """The encoding of bytes that are not UTF-8, by the letters that come out."""
    best, most = "cp1252", -99.0
    for name, letters, run in LOOKS:
        try:
            score = _score(raw[:LOOKED_AT].decode(name), letters, run)
        except UnicodeDecodeError:
            continue
        if score >= GOOD:
            return name
        if score > most + 0.05:
            best, most = name, score
    return best


def _score(text: str, letters: str, run: int) -> float:
    """How many of the characters beyond ASCII stand where such letters stand; a wrong one outweighs three."""
    good = bad = 0
    for match in RUN.finditer(text):
        word = match[0]
        before, after = text[max(0, match.start() - 1) : match.start()], text[match.end() : match.end() + 1]
        within = before.isalpha() and after.isalpha()
        for one in word:
            if one.lower() in letters:
                # A capital in the middle of a word is none of the writer's.
                fits = len(word) <= run and not (one.isupper() and before.islower() and not after.isupper())
                fits = fits and not (letters is CYRILLIC and (before.isalpha() or after.isalpha()))
            else:
                fits = one in MARKS_WESTERN and not (within and one not in "’·\u00a0–—")
            good, bad = good + fits, bad + (not fits)
    return (good - 3 * bad) / max(1, good + bad)


def _wide(raw: bytes) -> str | None:
    """UTF-16 without its mark: every other byte of western text is zero, and of any text one of few."""
    some = raw[:4000]
    if len(some) < 4 or b"\0" not in some:
        return None
    even, odd = some[0::2].count(0), some[1::2].count(0)
    half = len(some) // 2
    if odd > 0.6 * half and even < 0.1 * half:
        return "utf-16-le"
    if even > 0.6 * half and odd < 0.1 * half:
        return "utf-16-be"
    return next((name for name, high in (("utf-16-le", some[1::2]), ("utf-16-be", some[0::2]))
                 if len(set(high)) <= SCRIPTS and _written(some.decode(name, "ignore"))), None)


def _written(text: str) -> bool:
    """Whether it is words: letters with blanks and signs between, no controls and nothing that is no character."""
    kinds = Counter(unicodedata.category(c)[0] if c not in "\t\n\r" else "Z" for c in text)
    return kinds["L"] > len(text) // 2 and not kinds["C"]


def _says(raw: bytes) -> str | None:
    found = DECLARED.search(raw[:2048])
    return found[1].decode() if found else None


def _by(raw: bytes, name: str | None) -> str | None:
    try:
        known = codecs.lookup(name or "").name
        return raw.decode(SUPERSETS.get(known, known)) if not known.startswith("utf") else None
    except (LookupError, UnicodeDecodeError, ValueError):
        return None
