"""The lake: FHIR resources at rest, every version kept. What did the hospital know at time t?

The log is an append-only table of the database and the one truth; the columns are typed Parquet made from it,
for questions about many patients, and can be made again at any time.
"""

from vesalius.lake._columns import ColumnFiles
from vesalius.lake._lake import Lake
from vesalius.lake._recoding import Recoding
from vesalius.lake._schema import is_json, resource_schema
from vesalius.lake._search import Known, Wanted
from vesalius.lake._upkeep import Stats, TypeStats
from vesalius.lake._version import Arrival, Version, Written, concerns
from vesalius.lake.erasing import Erasure, Marks

__all__ = [
    "Arrival",
    "ColumnFiles",
    "Erasure",
    "Known",
    "Lake",
    "Marks",
    "Recoding",
    "Stats",
    "TypeStats",
    "Version",
    "Wanted",
    "Written",
    "concerns",
    "is_json",
    "resource_schema",
]
