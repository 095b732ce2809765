"""Reads names of rule files from standard input and prints, a line a file, what
pySigma reads in them: {"path", "rules": [{"searches", "conditions"}]} or
{"path", "error"}. The texts are those of showForPySigma in pysigma_test.go."""

import json
import sys

from sigma.collection import SigmaCollection
from sigma.conditions import (
    ConditionAND,
    ConditionIdentifier,
    ConditionNOT,
    ConditionOR,
    ConditionSelector,
)
from sigma.rule import SigmaDetection, SigmaRule
from sigma.types import (
    Placeholder,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaTimestampPart,
    SpecialChars,
)


def pattern(s):
    out = ""
    for part in s.s:
        if isinstance(part, Placeholder):
            out += "%{" + part.name + "}"
        elif part == SpecialChars.WILDCARD_MULTI:
            out += "" if out.endswith("\0") else "\0"
        elif part == SpecialChars.WILDCARD_SINGLE:
            out += "\1"
        else:
            out += part
    return json.dumps(out)


def value(v):
    if isinstance(v, SigmaExpansion):
        # The order of forms says nothing.
        forms = sorted(value(x) for x in v.values)
        return forms[0] if len(forms) == 1 else "(" + " | ".join(forms) + ")"
    if isinstance(v, SigmaCasedString):
        return "cased " + pattern(v)
    if isinstance(v, SigmaString):
        return pattern(v)
    if isinstance(v, SigmaTimestampPart):
        return f"{v.timestamp_part.name.lower()} {v.number}"
    if isinstance(v, SigmaNumber):
        return f"number {v.number}"
    if isinstance(v, SigmaBool):
        return "true" if v.boolean else "false"
    if isinstance(v, SigmaNull):
        return "null"
    if isinstance(v, SigmaRegularExpression):
        flags = "".join(sorted(SigmaRegularExpression.sigma_to_re_flag[f] for f in v.flags))
        return "re " + flags + " " + json.dumps(v.regexp.to_plain_regex())
    if isinstance(v, SigmaCIDRExpression):
        return "cidr " + str(v.network)
    if isinstance(v, SigmaCompareExpression):
        return f"{v.op.name.lower()} {v.number.number}"
    if isinstance(v, SigmaFieldReference):
        return f"field {v.field} {v.starts_with} {v.ends_with}".lower().replace(v.field.lower(), v.field)
    if isinstance(v, SigmaExists):
        return "exists " + ("true" if v.exists else "false")
    return type(v).__name__


def group(all_of, parts):
    parts = list(parts)
    if len(parts) == 1:
        return parts[0]
    return ("and" if all_of else "or") + "[" + ", ".join(parts) + "]"


def search(d):
    if isinstance(d, SigmaDetection):
        return group(d.item_linking is ConditionAND, map(search, d.detection_items))
    values = " ".join(value(v) for v in d.value)
    link = "all " if d.value_linking is ConditionAND and len(d.value) > 1 else ""
    return f"{d.field or ''}: {'not ' if d.negated else ''}{link}{values}"


def condition(c, detections):
    if isinstance(c, ConditionIdentifier):
        return c.identifier
    if isinstance(c, ConditionSelector):
        return group(
            c.cond_class is ConditionAND,
            (i.identifier for i in c.resolve_referenced_detections(detections)),
        )
    if isinstance(c, ConditionNOT):
        return "not[" + condition(c.args[0], detections) + "]"
    return group(isinstance(c, ConditionAND), (condition(a, detections) for a in c.args))


for line in sys.stdin:
    path = line.rstrip("\n")
    try:
        with open(path, encoding="utf-8") as f:
            collection = SigmaCollection.from_yaml(f, resolve_references=False)
        rules = []
        for rule in collection.rules:
            if not isinstance(rule, SigmaRule):
                continue
            d = rule.detection
            rules.append(
                {
                    "searches": {n: search(x) for n, x in d.detections.items()},
                    "conditions": [condition(c.parse(False), d) for c in d.parsed_condition],
                }
            )
        row = {"path": path, "rules": rules}
    except Exception as e:  # whatever it is, it is an answer
        row = {"path": path, "error": f"{type(e).__name__}: {e}"}
    print(json.dumps(row), flush=True)
