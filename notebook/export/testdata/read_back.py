"""Compares notebooks with what jupytext reads of their other forms.

Usage: read_back.py FOLDER. The last notebook is hostile: of it only the
types of cells and what is code must be the same.
"""

import pathlib
import sys

import jupytext
import nbformat

files = sorted(pathlib.Path(sys.argv[1]).glob("*.ipynb"))
wrong = 0
for file in files:
    nb = nbformat.read(file, as_version=4)
    for other in sorted(file.parent.glob(file.stem + ".*")):
        if other == file:
            continue
        back = jupytext.read(other)
        if other.suffix == ".py" and file == files[-1]:
            compile(other.read_text("utf-8"), other, "exec")
        want = [(c.cell_type, c.source, c.metadata) for c in nb.cells]
        got = [(c.cell_type, c.source, c.metadata) for c in back.cells]
        if file == files[-1]:
            want = [(kind, source if kind == "code" else "", metadata) for kind, source, metadata in want]
            got = [(kind, source if kind == "code" else "", metadata) for kind, source, metadata in got]
            if other.suffix == ".py":  # comments that were marks of cells
                got = [(kind, source.replace("##", "#"), metadata) for kind, source, metadata in got]
        if back.metadata.kernelspec != nb.metadata.kernelspec:
            wrong += 1
            print(other.name, back.metadata.kernelspec)
        if len(want) != len(got):
            wrong += 1
            print(other.name, "has", len(got), "cells, not", len(want))
        for w, g in zip(want, got):
            if w != g:
                wrong += 1
                print(other.name, "\n  wrote", w, "\n  read ", g)
assert len(files) == 3
sys.exit(wrong > 0)
