"""Prints what pySigma's pipeline files may hold, a name a line, with parameters
behind a colon. The list beside this file is its output for pySigma 1.5.1."""

import dataclasses
import inspect

from sigma.processing.conditions import (
    detection_item_conditions,
    field_name_conditions,
    rule_conditions,
)
from sigma.processing.finalization import finalizers
from sigma.processing.postprocessing import query_postprocessing_transformations
from sigma.processing.transformations import transformations

# Set from outside of the file.
INTERNAL = {"allow_external_sources"}


def parameters(cls):
    if not dataclasses.is_dataclass(cls):
        return []
    names = inspect.signature(cls.__init__).parameters
    return [n for n in names if n != "self" and n not in INTERNAL]


for kind, known in [
    ("transformation", transformations),
    ("rule condition", rule_conditions),
    ("detection item condition", detection_item_conditions),
    ("field name condition", field_name_conditions),
    ("post-processing item", query_postprocessing_transformations),
    ("finalizer", finalizers),
]:
    for name, cls in known.items():
        print(f"{kind} {name}: {' '.join(parameters(cls))}".strip())
