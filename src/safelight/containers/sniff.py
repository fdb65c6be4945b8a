"""Tell a picture's format by its first bytes, never by its name."""

from __future__ import annotations

CONTENT_TYPES = {
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "avif": "image/avif",
    "heic": "image/heic",
    "gif": "image/gif",
    "tiff": "image/tiff",
    "svg": "image/svg+xml",
    "bmp": "image/bmp",
    "jxl": "image/jxl",
    "jp2": "image/jp2",
    "psd": "image/vnd.adobe.photoshop",
    "ico": "image/vnd.microsoft.icon",
    "exr": "image/x-exr",
    "pdf": "application/pdf",
}
"""The content type of every format that `sniff` names."""

_MAGIC = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"\xff\x0a", "jxl"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "jxl"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "jp2"),
    (b"\xff\x4f\xff\x51", "jp2"),
    (b"8BPS", "psd"),
    (b"\0\0\1\0", "ico"),
    (b"\x76\x2f\x31\x01", "exr"),
    (b"%PDF-", "pdf"),
)

# MA1A and MA1B are AVIF's profiles (AV1 Image File Format, 8); MiHE and MiHB are HEIC's (MIAF, ISO/IEC 23000-22).
_BRANDS = dict.fromkeys((b"avif", b"avis", b"MA1A", b"MA1B"), "avif") | dict.fromkeys(
    (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs", b"MiHE", b"MiHB"), "heic"
)
_BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)
_HEAD = 4096


def sniff(head: bytes | memoryview) -> str | None:
    """Return the format whose file begins like this, or None.

    Args:
        head: the first 4 KB; fewer do for every format but SVG.
    """
    start = bytes(head[:_HEAD])
    for magic, name in _MAGIC:
        if start.startswith(magic):
            return name
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "webp"
    if start[4:8] == b"ftyp":
        return _brand(start)
    if start[:2] == b"BM" and int.from_bytes(start[14:18], "little") in _BMP_HEADERS:
        return "bmp"
    return "svg" if _is_svg(start) else None


def _brand(start: bytes) -> str | None:
    """Return what the major brand says, else the first compatible brand that says anything."""
    end = min(int.from_bytes(start[:4], "big"), len(start))
    brands = [start[8:12], *(start[at : at + 4] for at in range(16, end - 3, 4))]
    return next((_BRANDS[brand] for brand in brands if brand in _BRANDS), None)


def _is_svg(start: bytes) -> bool:
    """Whether the root element is svg: a page of HTML that holds one is no picture."""
    wide = start[:2] in (b"\xff\xfe", b"\xfe\xff")
    text = start.decode("utf-16" if wide else "utf-8-sig", "ignore").lstrip()
    while text.startswith(("<?", "<!")):
        text = _after_prolog(text)
    name = text[1:64].split(">")[0].split("/")[0].split()[:1] if text.startswith("<") else []
    return bool(name) and name[0].rpartition(":")[2] == "svg"


def _after_prolog(text: str) -> str:
    """Skip one declaration, comment or document type (with its entities, as drawing programs write them)."""
    if text.startswith("<!--"):
        return text[4:].partition("-->")[2].lstrip()
    if text.startswith("<?"):
        return text.partition("?>")[2].lstrip()
    opened, closed = text.find("["), text.find(">")
    end = text.find("]", opened) if 0 <= opened < closed else 0
    return text[end:].partition(">")[2].lstrip() if end >= 0 else ""
