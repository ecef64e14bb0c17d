"""What pyiceberg makes of a table: one request in JSON a line, one answer in JSON a line.

request:  {"table": folder or metadata file, or database and name in Glue, "properties": {…}, "ask": question}
question: {"rows": filter|null, "snapshot": id|null}   rows, and the files that are read for them
          {"save": file}                               all rows, as a Parquet file
          {"evaluate": true}                           what pyiceberg's evaluators say of every value of every file
          {"write": "append"|"delete"|"rename"|"rollback"}  commits through a catalog of pyiceberg's own (SQLite)
filter:   [operator, column, value]; a date as its day since 1970
"""
import datetime
import json
import math
import struct
import sys

import pyarrow.parquet as pq
from pyiceberg import expressions as e
from pyiceberg.expressions.visitors import _InclusiveMetricsEvaluator, _StrictMetricsEvaluator
from pyiceberg.table import StaticTable

EPOCH = datetime.date(1970, 1, 1)


def cell(value):
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, datetime.date):
        value = (value - EPOCH).days
    if isinstance(value, list):
        return value
    if isinstance(value, float) and math.isnan(value):
        value = float("nan")
    return "0x" + struct.pack(">d", float(value)).hex()


def expression(asked):
    if asked is None:
        return e.AlwaysTrue()
    operator, column, *value = asked
    return getattr(e, operator)(column, *value)


def name(path):
    return path.rsplit("/", 1)[1]


def rows(table, asked):
    scan = table.scan(row_filter=expression(asked["rows"]), snapshot_id=asked.get("snapshot"))
    read = scan.to_arrow().to_pylist()
    return {
        "rows": [{key: cell(value) for key, value in row.items()} for row in read],
        "files": sorted(name(task.file.file_path) for task in scan.plan_files()),
    }


def evaluate(table):
    """Every predicate that a value of the file fulfils, and that the file's metrics deny; and the other way round."""
    wrong, asked = [], 0
    schema = table.schema()
    for task in table.scan().plan_files():
        data = pq.ParquetFile(task.file.file_path).read()
        for field in schema.fields:
            if not field.field_type.is_primitive:
                continue
            values = data.column(field.name).to_pylist()
            for value in {repr(v): v for v in values}.values():
                if value is None:
                    may, all_rows = [e.IsNull(field.name)], [e.NotNull(field.name)]
                elif isinstance(value, float) and math.isnan(value):
                    may, all_rows = [e.IsNaN(field.name)], [e.NotNaN(field.name)]
                else:
                    v = value.isoformat() if isinstance(value, datetime.date) else value
                    may = [c(field.name, v) for c in (e.EqualTo, e.LessThanOrEqual, e.GreaterThanOrEqual)]
                    may += [e.NotNull(field.name), e.In(field.name, [v, v])]
                    if isinstance(value, str) and value:
                        may += [e.StartsWith(field.name, value[:k]) for k in (1, len(value) // 2, 15, 16, 17) if k > 0]
                    all_rows = [c(field.name, v) for c in (e.NotEqualTo, e.LessThan, e.GreaterThan)]
                    all_rows += [e.IsNull(field.name)]
                for predicate in may:
                    asked += 1
                    if not _InclusiveMetricsEvaluator(schema, predicate).eval(task.file):
                        wrong.append(f"{name(task.file.file_path)}: no row with {predicate!r}")
                for predicate in all_rows:
                    asked += 1
                    if _StrictMetricsEvaluator(schema, predicate).eval(task.file):
                        wrong.append(f"{name(task.file.file_path)}: each row with {predicate!r}")
    return {"wrong": wrong, "asked": asked}


def write(table, asked, in_glue):
    own = table
    if not in_glue:
        from pyiceberg.catalog.sql import SqlCatalog

        catalog = SqlCatalog("other", uri="sqlite://", warehouse=table.location())
        catalog.create_namespace("n")
        own = catalog.register_table("n.t", table.metadata_location)
    if asked["write"] == "append":
        own.append(own.scan(limit=1).to_arrow())
    elif asked["write"] == "delete":
        own.delete(expression(asked["where"]))
    elif asked["write"] == "rename":
        with own.update_schema() as update:
            update.rename_column(asked["column"], "renamed")
    else:
        own.manage_snapshots().rollback_to_snapshot(asked["snapshot"]).commit()
    return {"metadata": own.refresh().metadata_location}


def describe(table):
    return {
        "snapshots": [[s.snapshot_id, s.timestamp_ms, s.summary.additional_properties] for s in table.snapshots()],
        "current": table.current_snapshot().snapshot_id,
        "partitions": [{k: v for k, v in p["partition"].items()} for p in table.inspect.partitions().to_pylist()],
        "identity": [f.name for f in table.spec().fields],
        "order": [f.source_id for f in table.sort_order().fields],
        "entries": [
            [entry["status"], entry["sequence_number"], name(entry["data_file"]["file_path"])]
            for entry in table.inspect.entries().to_pylist()
        ],
        "manifests": len(table.inspect.manifests()),
    }


def load(request):
    properties = request.get("properties", {})
    if "glue" not in request:
        return StaticTable.from_metadata(request["table"], properties)
    from pyiceberg.catalog.glue import GlueCatalog

    return GlueCatalog("glue", **properties).load_table(request["table"])


def answer(request):
    asked, table = request["ask"], load(request)
    if "rows" in asked:
        return rows(table, asked)
    if "save" in asked:
        pq.write_table(table.scan().to_arrow(), asked["save"])
        return {}
    if "evaluate" in asked:
        return evaluate(table)
    if "write" in asked:
        return write(table, asked, "glue" in request)
    return describe(table)


for line in sys.stdin:
    try:
        print(json.dumps({"answer": answer(json.loads(line))}), flush=True)
    except Exception as error:
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}), flush=True)
