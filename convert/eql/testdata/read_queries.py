"""Reads EQL with the library eql, and runs it.

    read_queries.py QUERIES [EVENTS]

QUERIES has a JSON text a line, the queries; EVENTS has a JSON object a line. For each
query a line of JSON comes out: {"error": …}, or {"hits": [places of events],
"failed": [places of those on which the engine stops]}.
"""
import json
import sys

import eql
from eql.ast import And, EventQuery, Field, Or
from eql.engine import PythonEngine
from eql.parser import allow_runs, elasticsearch_syntax, implied_booleans, parse_query


columns = {}


def column(field, events):
    """The field's value in each event."""
    if field.render() not in columns:
        path = [field.base] + list(field.path)
        values = []
        for e in events:
            v = e.data
            for p in path:
                v = v.get(p) if isinstance(v, dict) else None
            values.append(v)
        columns[field.render()] = values
    return columns[field.render()]


def hits(condition, events, left, failed):
    """The places, of those that are left, of the events that match; failed collects
    those on which the engine stops. What AND and OR link is asked by itself, and once
    for each value where it is about one field."""
    if isinstance(condition, And):
        for term in condition.terms:
            left = hits(term, events, left, failed)
        return left
    if isinstance(condition, Or):
        found = set()
        for term in condition.terms:
            found.update(hits(term, events, [i for i in left if i not in found], failed))
        return sorted(found)
    matches = PythonEngine().convert(condition, scoped=True)
    fields = {f.render(): f for f in condition if isinstance(f, Field)}
    values = column(*fields.values(), events) if len(fields) == 1 else range(len(events))
    known, found = {}, []
    for i in left:
        v = values[i]
        if v not in known:
            try:
                known[v] = matches(events[i])
            except ValueError:  # cidrMatch of what is no address
                known[v] = None
                failed.append(i)
        if known[v]:
            found.append(i)
    return found


def run(query, events):
    try:
        with elasticsearch_syntax, allow_runs, implied_booleans:
            ast = parse_query(query)
    except Exception as e:  # the library raises errors of several kinds
        return {"error": " ".join(str(e).split())}
    if not isinstance(ast.first, EventQuery):
        return {"hits": [], "failed": []}
    failed = []
    return {"hits": list(hits(ast.first.query, events, range(len(events)), failed)), "failed": failed}


events = []
if len(sys.argv) > 2:
    with open(sys.argv[2], encoding="utf-8") as f:
        events = [eql.Event("any", i, json.loads(line)) for i, line in enumerate(f)]
with open(sys.argv[1], encoding="utf-8") as f:
    for line in f:
        print(json.dumps(run(json.loads(line), events)))
