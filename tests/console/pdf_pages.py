"""The words of each page of a PDF that our own typesetter made: enough to read what a lawyer reads."""

import re
import zlib

OBJECT = re.compile(rb"(?:^|\n)(\d+) 0 obj\n(.*?)\nendobj", re.DOTALL)
_PART = rb"[^()\\]|\\."
STRING = rb"\((?:" + _PART + rb"|\((?:" + _PART + rb")*\))*\)"
SHOWN = re.compile(
    rb"/(f\d+) [\d.]+ Tf|(\[(?:" + STRING + rb"|[^\]()])*\]\s*TJ|" + STRING + rb"\s*Tj)", re.DOTALL
)
ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def pages(data: bytes) -> list[str]:
    """Each page as text, its lines joined; a hyphen that breaks a word stands by itself, and goes."""
    objects = {int(number): body for number, body in OBJECT.findall(data)}
    found = []
    for body in objects.values():
        if b"/Type/Page/" in body:
            fonts = _fonts(objects, objects[_refers(body, b"Resources")])
            lines = _lines(_stream(objects[_refers(body, b"Contents")]), fonts)
            found.append(re.sub(r" +", " ", " ".join(lines).replace(" - ", "")))
    return found


def _refers(body: bytes, name: bytes) -> int:
    return int(re.search(rb"/" + name + rb" (\d+) 0 R", body)[1])


def _stream(body: bytes) -> bytes:
    head, _, rest = body.partition(b"stream\n")
    raw = rest[: int(re.search(rb"/Length (\d+)", head)[1])]
    return zlib.decompress(raw) if b"FlateDecode" in head else raw


def _fonts(objects: dict[int, bytes], resources: bytes) -> dict[bytes, dict[int, str]]:
    """By the name of a font on the page, what each glyph of it means."""
    return {
        name: _meanings(_stream(objects[_refers(objects[int(number)], b"ToUnicode")]))
        for name, number in re.findall(rb"/(f\d+) (\d+) 0 R", resources)
    }


def _meanings(table: bytes) -> dict[int, str]:
    pairs = re.findall(rb"<([0-9A-F]{4})> <([0-9A-F]+)>\n", table)
    return {int(glyph, 16): bytes.fromhex(text.decode()).decode("utf-16-be") for glyph, text in pairs}


def _lines(content: bytes, fonts: dict[bytes, dict[int, str]]) -> list[str]:
    meanings: dict[int, str] = {}
    found = []
    for font, shown in SHOWN.findall(content):
        if font:
            meanings = fonts[font]
            continue
        glyphs = b"".join(_unescaped(each[1:-1]) for each in re.findall(STRING, shown, re.DOTALL))
        found.append(
            "".join(
                meanings.get(high * 256 + low, "")
                for high, low in zip(glyphs[::2], glyphs[1::2], strict=True)
            )
        )
    return found


def _unescaped(string: bytes) -> bytes:
    def plain(match: re.Match[bytes]) -> bytes:
        code = match[1]
        return bytes([int(code, 8)]) if code.isdigit() else ESCAPES.get(code, code)

    return re.sub(rb"\\([0-7]{1,3}|.)", plain, string, flags=re.DOTALL)
