"""Writes Parquet files that DuckDB does not write, each of one dim_code_cat: write-odd.py FOLDER"""

import datetime
import decimal
import json
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe

folder = sys.argv[1]
MOMENT = datetime.datetime(2025, 12, 31, 23, 30)


def columns(**odd):
    return {"proc_cd": pa.array(["99213"]), "proc_set": pa.array(["E/M"]), "proc_class": pa.array(["Office"]), **odd}


def table(name, odd, **options):
    pq.write_table(pa.table(odd), f"{folder}/{name}.parquet", **options)


def one(name, value, kind, **options):
    table(name, columns(proc_group=pa.array([value], kind)), **options)


one("null", None, pa.null())
one("dictionary", "a", pa.dictionary(pa.int8(), pa.string()))
one("large", "a", pa.large_string())
one("fixed-bytes", b"abcd", pa.binary(4))
one("half", 1.5, pa.float16())
one("wide", decimal.Decimal(12), pa.decimal256(40, 0))
one("time-of-day", datetime.time(1, 2, 3), pa.time64("ns"))
one("milliseconds-date", datetime.date(2025, 12, 31), pa.date64())
one("int96", MOMENT, pa.timestamp("ns"), use_deprecated_int96_timestamps=True)
for unit in ("s", "ms", "us", "ns"):
    one(f"zoned-{unit}", MOMENT, pa.timestamp(unit, "America/New_York"))
    one(f"plain-{unit}", MOMENT, pa.timestamp(unit))

latin = pa.Array.from_buffers(pa.string(), 1, pa.array([b"Do\xf1a Ana"], pa.binary()).buffers())
table("latin", columns(proc_group=latin))
table("latin-unread", columns(proc_group=pa.array(["a"]), note=latin))

table("mark", {"\ufeffproc_cd": pa.array(["99213"]), " PROC_SET ": pa.array(["E/M"]), "Proc_Class": pa.array(["Office"])})
table("twins", {**columns(), "PROC_CD": pa.array(["1"])})
table("marked-twins", {**columns(), "\ufeffproc_cd": pa.array(["1"])})
pair = pa.array([1])
pq.write_table(pa.Table.from_arrays([pair, pair, *columns().values()], ["x", "x", *columns()]), f"{folder}/other-twins.parquet")

geo = {"version": "1.0.0", "primary_column": "shape", "columns": {"shape": {"encoding": "WKB", "geometry_types": ["Point"]}}}
shapes = pa.table(columns(shape=pa.array([b"broken"], pa.binary())))
pq.write_table(shapes.replace_schema_metadata({"geo": json.dumps(geo)}), f"{folder}/geo.parquet")
pq.write_table(shapes.replace_schema_metadata({"geo": json.dumps({"version": "9"})}), f"{folder}/geo-unknown.parquet")


class Keys(pe.KmsClient):
    """A key store that takes any key."""

    def __init__(self, config):
        pe.KmsClient.__init__(self)

    def wrap_key(self, key_bytes, master_key_identifier):
        return key_bytes.hex().encode()

    def unwrap_key(self, wrapped_key, master_key_identifier):
        return bytes.fromhex(wrapped_key.decode())


def encrypted(name, **how):
    factory = pe.CryptoFactory(Keys)
    config = pe.EncryptionConfiguration(footer_key="f", column_keys={"c": ["proc_set"]}, **how)
    properties = factory.file_encryption_properties(pe.KmsConnectionConfig(), config)
    rows = pa.table(columns())
    with pq.ParquetWriter(f"{folder}/{name}.parquet", rows.schema, encryption_properties=properties) as writer:
        writer.write_table(rows)


encrypted("encrypted")
encrypted("encrypted-columns", plaintext_footer=True)
