"""Words that are burned into the pixels: blanked by a rule, or the image is held back.

Nothing here reads pixels to find words. What decides is what the image says of itself: ``BurnedInAnnotation``
(0028,0301), its modality, and whether it is a picture of a screen or a page. Ultrasound machines write names
outside the regions of their image, which ``SequenceOfUltrasoundRegions`` (0018,6011) gives: all outside goes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from vesalius.errors import NotScrubbed

if TYPE_CHECKING:
    from pydicom import Dataset

RISKY = frozenset({"US", "SC", "OT", "ES", "XC", "GM", "OP", "OPT", "ECG", "DOC", "IVUS", "EPS", "HD", "BI"})
"""Modalities that write on their images, or are photographs and scanned pages."""

_SECONDARY = "1.2.840.10008.5.1.4.1.1.7"  # the Secondary Capture classes, PS3.4 table B.5-1
_ULTRASOUND = ("1.2.840.10008.5.1.4.1.1.6", "1.2.840.10008.5.1.4.1.1.3")
_BIG_ENDIAN = "1.2.840.10008.1.2.2"

Box = tuple[int, int, int, int]
"""Left, top, right and bottom, the last two inside; pixels from 0."""


class Region(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where one kind of machine writes, as a hospital knows it of its own.

    Attributes:
        modality: such as ``US`` or ``SC``.
        rows: of the images it holds for.
        columns: of the images it holds for.
        blank: the boxes to blank; none where the machine writes nothing.
        manufacturer: only of this one; empty for any.
        model: only of this one; empty for any.
    """

    modality: str
    rows: int
    columns: int
    blank: tuple[Box, ...]
    manufacturer: str = ""
    model: str = ""

    def fits(self, image: Dataset) -> bool:
        """Whether it speaks of an image."""
        said = (image.get("Modality"), image.get("Rows"), image.get("Columns"))
        named = (self.manufacturer in {"", image.get("Manufacturer")}) and (
            self.model in {"", image.get("ManufacturerModelName")}
        )
        return said == (self.modality, self.rows, self.columns) and named


def clean(image: Dataset, regions: tuple[Region, ...]) -> str:
    """Blanks what may be written on an image, in place, before anything else of it changes.

    Returns:
        What was done: ``no pixels``, ``declared free``, ``not of a kind that writes`` or ``blanked``.

    Raises:
        NotScrubbed: it may bear words, and no rule says where; or its pixels cannot be read.
    """
    if "PixelData" not in image:
        if "FloatPixelData" in image or "DoubleFloatPixelData" in image:
            return "not of a kind that writes"
        return "no pixels"
    rule = next((one for one in regions if one.fits(image)), None)
    declared = str(image.get("BurnedInAnnotation", "")).upper()
    if rule is None and not _may_bear(image, declared):
        return "declared free" if declared == "NO" else "not of a kind that writes"
    if rule is not None:
        _blank(image, rule.blank, outside=False)
    elif own := _regions(image):
        _blank(image, own, outside=True)
    else:
        said = "says that words are burned in" if declared == "YES" else "may have words burned in"
        raise NotScrubbed(f"the image {said}, and no rule says where")
    image.BurnedInAnnotation = "NO"
    return "blanked"


def _may_bear(image: Dataset, declared: str) -> bool:
    if declared in {"YES", "NO"}:
        return declared == "YES"
    kinds = {str(value).upper() for value in _many(image.get("ImageType"))}
    captured = (
        str(image.get("SOPClassUID", "")).startswith((_SECONDARY, *_ULTRASOUND)) or "ConversionType" in image
    )
    return bool(
        (image.get("Modality") or "OT") in RISKY
        or captured
        or kinds & {"SCREEN SAVE", "SCREENSHOT", "SECONDARY_CAPTURE"}
    )


def _many(value: Any) -> list[Any]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def _regions(image: Dataset) -> list[Box]:
    """The regions of an ultrasound image; none where it has none, or one of them makes no sense."""
    edges = ("RegionLocationMinX0", "RegionLocationMinY0", "RegionLocationMaxX1", "RegionLocationMaxY1")
    kept: list[Box] = []
    for item in image.get("SequenceOfUltrasoundRegions") or []:
        left, top, right, bottom = (item.get(name) for name in edges)
        if (
            not all(isinstance(edge, int) for edge in (left, top, right, bottom))
            or left > right
            or top > bottom
        ):
            return []
        kept.append((left, top, right, bottom))
    return kept


def _blank(image: Dataset, boxes: Iterable[Box], *, outside: bool) -> None:
    """Blanks what lies in boxes, or outside all of them, in every frame."""
    rows, columns = int(image.Rows), int(image.Columns)
    away = np.full((rows, columns), outside)
    for left, top, right, bottom in boxes:
        away[max(0, top) : bottom + 1, max(0, left) : right + 1] = not outside
    samples = int(image.get("SamplesPerPixel", 1))
    frames = _pixels(image).reshape(-1, rows, columns, samples)
    frames[:, away] = 0
    if samples > 1:
        image.PlanarConfiguration = 0
    body = frames.tobytes()
    image.PixelData = body + b"\x00" * (len(body) % 2)
    image["PixelData"].VR = "OW" if int(image.BitsAllocated) > 8 else "OB"


def _pixels(image: Dataset) -> np.ndarray[Any, Any]:
    """A copy of the pixels, decompressed; the image then says that it is."""
    try:
        if image.file_meta.TransferSyntaxUID.is_compressed:
            image.decompress()
        pixels: np.ndarray[Any, Any] = image.pixel_array.copy()
    except Exception as error:  # whatever a decoder raises
        raise NotScrubbed(f"the pixels cannot be read to blank them ({type(error).__name__})") from None
    shared = str(image.get("PhotometricInterpretation", "")) in {"YBR_FULL_422", "YBR_PARTIAL_420"}
    if shared or image.file_meta.TransferSyntaxUID == _BIG_ENDIAN or int(image.BitsAllocated) < 8:
        raise NotScrubbed(
            "nothing is blanked in pixels that are single bits, big endian or share their colours"
        )
    return pixels
