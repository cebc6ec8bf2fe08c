"""Images in which nobody is named (DICOM PS3.15, annex E); reading them needs the extra ``dicom``."""

from vesalius.privacy.dicom._pixels import RISKY, Region
from vesalius.privacy.dicom._table import Option, Row, table
from vesalius.privacy.dicom.cleaning import Cleaned, Cleaner, Refused, read_patients, read_regions

__all__ = [
    "RISKY",
    "Cleaned",
    "Cleaner",
    "Option",
    "Refused",
    "Region",
    "Row",
    "read_patients",
    "read_regions",
    "table",
]
