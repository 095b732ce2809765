"""Reads a JSON object a line, {"pipeline", "rule", "queries"}, and prints what
pySigma makes of it: {"result"} or {"error"}. With "queries" it post-processes
and finalizes them; else the rule's condition is written in the notation of
show_test.go."""

import json
import sys

from sigma.collection import SigmaCollection
from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.processing.pipeline import ProcessingPipeline
from sigma.types import (
    SigmaBool,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaQueryExpression,
    SigmaRegularExpression,
    SigmaString,
)


def quoted(s):
    return json.dumps(s, ensure_ascii=False)


def leaf(field, v):
    if isinstance(v, SigmaExpansion):
        return alternatives([leaf(field, x) for x in v.values], False)
    if isinstance(v, SigmaString):
        return (field, "= " + quoted(str(v)))
    if isinstance(v, SigmaNumber):
        return (field, f"= {v.number}")
    if isinstance(v, SigmaBool):
        return (field, "= " + ("true" if v.boolean else "false"))
    if isinstance(v, SigmaNull):
        return (field, "is null")
    if isinstance(v, SigmaRegularExpression):
        flags = "".join(sorted(SigmaRegularExpression.sigma_to_re_flag[f] for f in v.flags))
        return (field, f"=~ /{'(?' + flags + ')' if flags else ''}{v.regexp}/")
    if isinstance(v, SigmaFieldReference):
        return (field, "= field " + v.field)
    if isinstance(v, SigmaQueryExpression):
        return "query " + quoted(v.finalize(field=field))
    return (field, type(v).__name__)


def text(x, top=True):
    if isinstance(x, tuple):
        return x[0] + " " + x[1]
    if isinstance(x, str):
        return x
    op, parts = x
    if op == "not":
        return "not " + text(parts, False)
    s = f" {op} ".join(text(p, False) for p in parts)
    return s if top else f"({s})"


def alternatives(parts, top=True):
    if len(parts) == 1:
        return parts[0]
    same = all(isinstance(p, tuple) and p[0] == parts[0][0] and p[1].startswith("= ") for p in parts)
    if same:
        return parts[0][0] + " = (" + " or ".join(p[1][2:] for p in parts) + ")"
    return ["or", parts]


def tree(c):
    if isinstance(c, ConditionFieldEqualsValueExpression):
        return leaf(c.field, c.value)
    if isinstance(c, ConditionValueExpression):
        return leaf("any", c.value)
    if isinstance(c, ConditionNOT):
        return ["not", tree(c.args[0])]
    if isinstance(c, ConditionOR):
        return alternatives([tree(a) for a in c.args])
    if isinstance(c, ConditionAND):
        parts = []
        for a in c.args:
            t = tree(a)
            parts += t[1] if isinstance(t, list) and t[0] == "and" else [t]
        return parts[0] if len(parts) == 1 else ["and", parts]
    return type(c).__name__


for line in sys.stdin:
    case = json.loads(line)
    try:
        pipeline = ProcessingPipeline.from_yaml(case["pipeline"])
        rule = SigmaCollection.from_yaml(case["rule"]).rules[0]
        pipeline.apply(rule)
        if case.get("queries") is not None:
            queries = [pipeline.postprocess_query(rule, q) for q in case["queries"]]
            result = pipeline.finalize(queries) if pipeline.finalizers else queries[0]
        else:
            result = text(tree(rule.detection.parsed_condition[0].parsed))
            if rule.fields:
                result += " showing " + ", ".join(rule.fields)
            if "index" in pipeline.state:
                index = pipeline.state["index"]
                result += " in " + (index if isinstance(index, str) else ", ".join(index))
        row = {"result": result}
    except Exception as e:  # whatever it is, it is an answer
        row = {"error": f"{type(e).__name__}: {e}"}
    print(json.dumps(row), flush=True)
