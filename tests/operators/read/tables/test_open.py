import sys

import pytest

from operators.core.errors import UsageError
from operators.read.tables.open import open_table
from tests.operators.read.sources import source

LIBRARIES = {
    "postgres": ("psycopg", "postgresql://db/library"),
    "delta": ("deltalake", "/table"),
    "iceberg": ("pyiceberg", "sqlite:///catalog.db"),
    "lance": ("lance", "/table"),
    "mongo": ("pymongo", "mongodb://db/library"),
}


@pytest.mark.parametrize("format_", LIBRARIES)
def test_open_table_without_its_library_says_what_to_install(format_, monkeypatch):
    library, uri = LIBRARIES[format_]
    for name in [name for name in sys.modules if name.startswith("operators.read.tables.")]:
        if name.rpartition(".")[2].startswith(format_):
            monkeypatch.delitem(sys.modules, name)
    for name in [library, *(name for name in sys.modules if name.startswith(f"{library}."))]:
        monkeypatch.setitem(sys.modules, name, None)
    table = {"table": {"name": "a.b"}} if format_ in ("postgres", "iceberg", "mongo") else {}
    with pytest.raises(UsageError, match=rf"needs the library {library}.*pip install 'millrace\[{format_}\]'"):
        open_table(source(format_, uri, **table))
