"""Reads <folder>/0.parquet … with pyarrow and writes what it found to <folder>/answer.json."""

import datetime
import json
import struct
import sys

import pyarrow as pa
import pyarrow.parquet as pq

EPOCH = datetime.date(1970, 1, 1)


def exact(value):
    """Numbers as the bits of a float64, so that NaN and -0 survive JSON."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        return value
    if isinstance(value, datetime.date):
        value = (value - EPOCH).days
    if value != value:
        return "0x7ff8000000000000"
    return "0x" + struct.pack(">d", float(value)).hex()


def column(array):
    # Dates are taken as days: Python's end with the year 9999.
    if pa.types.is_date32(array.type):
        array = array.cast(pa.int32())
    return [exact(value) for value in array.to_pylist()]


def bound(chunk, name):
    statistics = chunk.statistics
    if statistics is None or not statistics.has_min_max:
        return None
    try:
        return exact(getattr(statistics, name))
    except OverflowError:
        return exact(getattr(statistics, name + "_raw"))


def describe(path):
    file = pq.ParquetFile(path)
    table = file.read()
    table.validate(full=True)
    columns = [column(table.column(i)) for i in range(table.num_columns)]
    names = table.column_names
    footer = file.metadata
    groups = []
    for g in range(footer.num_row_groups):
        group = footer.row_group(g)
        chunks = []
        for c in range(group.num_columns):
            chunk = group.column(c)
            statistics = chunk.statistics
            chunks.append(
                {
                    "path": chunk.path_in_schema,
                    "codec": chunk.compression,
                    "encodings": list(chunk.encodings),
                    "hasDictionary": chunk.has_dictionary_page,
                    "values": chunk.num_values,
                    "nulls": statistics.null_count if statistics is not None and statistics.has_null_count else None,
                    "min": bound(chunk, "min"),
                    "max": bound(chunk, "max"),
                    "compressed": chunk.total_compressed_size,
                    "uncompressed": chunk.total_uncompressed_size,
                }
            )
        groups.append({"rows": group.num_rows, "chunks": chunks})
    return {
        "rows": [dict(zip(names, row)) for row in zip(*columns)],
        "types": {field.name: str(field.type) for field in table.schema},
        "createdBy": footer.created_by,
        "metadata": {k.decode(): v.decode() for k, v in (footer.metadata or {}).items() if k != b"ARROW:schema"},
        "rowGroups": groups,
    }


folder, count = sys.argv[1], int(sys.argv[2])
with open(f"{folder}/answer.json", "w", encoding="utf-8") as out:
    json.dump([describe(f"{folder}/{i}.parquet") for i in range(count)], out)
