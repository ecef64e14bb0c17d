"""Runs the built ETL3 over each case in a folder and holds the outcome against its due.json.

usage: check_cases.py CASES NODE CLI [NAME ...]

A case is a folder with star/, etl3.yaml and due.json; the README beside the cases' maker says what due.json holds. The
table is read with pyarrow, file by file, so that no catalog, no path and no code of ETL3 stands between.
"""

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow.parquet as pq

AT_ONCE = 2
TIMEOUT_SECONDS = 180


def rows_of(case):
    rows = []
    for file in sorted((case / "out" / "partitioned-data").rglob("*.parquet")):
        rows += pq.ParquetFile(file).read().to_pylist()
    return rows


def agrees(value, due):
    if isinstance(due, dict):
        if "any" in due:
            return any(agrees(value, one) for one in due["any"])
        return value is not None and str(value).startswith(due["starts"])
    if isinstance(due, float) and isinstance(value, float):
        return abs(value - due) <= 1e-9 * max(1.0, abs(due))
    return value == due


def violated_rules(case):
    """Each rule of the run's quality.json that does not hold, as the words that could name a column."""
    words = []
    for file in (case / "out" / "etl3" / "runs").glob("*/quality.json"):
        for rule in json.loads(file.read_text())["rules"]:
            if rule["outcome"] in ("warned", "failed"):
                words.append(" ".join(str(rule[key]) for key in ("name", "subject", "meaning")))
    return words


def complaints(case, due, code, output):
    """What differs from one due outcome; nothing where all holds."""
    found = []
    if code != due["exit"]:
        return [f"exit {code}, due {due['exit']}: {output.strip()[-600:]}"]
    for word in due.get("words", []):
        if not re.search(word, output):
            found.append(f"the message lacks /{word}/: {output.strip()[-600:]}")
    rows = rows_of(case)
    if due["exit"] != 0 and rows:
        found.append(f"{len(rows)} rows are published")
    if "rows" in due and len(rows) != due["rows"]:
        found.append(f"{len(rows)} rows, due {due['rows']}")
    by_key = {(r["fact_uid"], r["npi"]): r for r in rows}
    for values in due.get("values", []):
        row = by_key.get((values["fact_uid"], values["npi"]))
        if row is None:
            found.append(f"no row {values['fact_uid']}/{values['npi']}")
            continue
        for column, value in values.items():
            if not agrees(row.get(column), value):
                found.append(f"{values['fact_uid']}/{values['npi']} {column}: {row.get(column)!r}, due {value!r}")
    warned = violated_rules(case)
    for column in due.get("warns", []):
        if not any(column in words for words in warned):
            found.append(f"no rule warns of {column}: {warned}")
    return found


def check(case, node, cli):
    due = json.loads((case / "due.json").read_text())
    environment = {**os.environ, "NO_COLOR": "1", **due.get("env", {})}
    done = subprocess.run(
        [node, cli, "run", "--config", "etl3.yaml"],
        cwd=case, env=environment, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, stdin=subprocess.DEVNULL,
    )
    output = done.stdout + done.stderr
    ways = [complaints(case, one, done.returncode, output) for one in due.get("any", [due])]
    return min(ways, key=len)


def main():
    folder, node, cli, *names = sys.argv[1:]
    cases = sorted(p.parent for p in Path(folder).glob("*/due.json") if not names or p.parent.name in names)
    failed = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for case, found in zip(cases, pool.map(lambda c: check(c, node, cli), cases)):
            failed += bool(found)
            print(f"{'FAILED' if found else 'passed'}  {case.name}", flush=True)
            for line in found[:6]:
                print(f"        {line}", flush=True)
    print(f"{len(cases) - failed} passed, {failed} failed")
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
