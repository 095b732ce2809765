"""Matches rules against events as Zircolite does: the events become rows of one table
of SQLite in memory, and each rule is a query on it.

usage: sqlite.py RULES.json EVENTS.ndjson

RULES.json is what "sigma convert -t sqlite -f zircolite" writes, EVENTS.ndjson an object
a line. A line of the output is a match: {"rule_id": …, "row": …}.
"""

import json
import re
import sqlite3
import sys


def flatten(value, name, into):
    if isinstance(value, dict):
        for key, inner in value.items():
            flatten(inner, f"{name}.{key}" if name else key, into)
    elif isinstance(value, list):
        into[name] = str(value)
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        into[name] = str(value)
    else:
        into[name] = value


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def load(path):
    """The table, with a column for each name that some event has, whatever its case."""
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE logs (Channel COLLATE NOCASE, EventID COLLATE NOCASE)")
    columns = {"channel", "eventid"}
    with open(path, encoding="utf-8") as file:
        for line in file:
            event = {}
            flatten(json.loads(line), "", event)
            event = {name.lower(): (name, value) for name, value in event.items()}
            for name in event.keys() - columns:
                add_column(db, event[name][0])
                columns.add(name)
            names, values = zip(*event.values())
            db.execute("INSERT INTO logs (%s) VALUES (%s)"
                       % (", ".join(map(quoted, names)), ", ".join("?" * len(names))), values)
    db.execute("CREATE INDEX by_event_id ON logs (EventID)")
    db.execute("CREATE INDEX by_channel ON logs (Channel)")
    db.execute("ANALYZE")
    return db


def add_column(db, name):
    db.execute(f"ALTER TABLE logs ADD COLUMN {quoted(name)} COLLATE NOCASE")


def add_regexp(db):
    patterns = {}

    def regexp(pattern, value):
        if pattern not in patterns:
            patterns[pattern] = re.compile(pattern)
        return value is not None and patterns[pattern].search(str(value)) is not None

    db.create_function("regexp", 2, regexp, deterministic=True)


def matches(db, query):
    """The rows of a query; a column that no event has is added, empty."""
    query = query.replace("SELECT * FROM", "SELECT rowid FROM", 1)
    while True:
        try:
            return [row for row, in db.execute(query)]
        except sqlite3.OperationalError as error:
            name = re.fullmatch(r"no such column: (.+)", str(error))
            if not name:
                raise
            add_column(db, name[1])


def main(rules, path):
    db = load(path)
    add_regexp(db)
    with open(rules, encoding="utf-8") as file:
        rules = json.load(file)
    failed = 0
    for rule in rules:
        rows = set()
        for query in rule["rule"]:
            try:
                rows.update(matches(db, query))
            except (sqlite3.Error, re.error) as error:
                failed += 1
                print(f"{rule['title']}: {error}", file=sys.stderr)
        for row in sorted(rows):
            print(json.dumps({"rule_id": rule["id"], "row": row}))
    if failed:
        print(f"{failed} queries failed", file=sys.stderr)


main(*sys.argv[1:])
