"""The notebooks of a hunt in the tools that people use on notebooks.

Usage: notebook_tools.py HUNTS. It strips copies into HUNTS/../stripped and writes web
pages into HUNTS/../pages.
"""

import copy
import pathlib
import sys
import unittest
from html.parser import HTMLParser

import jupytext
import nbdime
import nbformat
from nbconvert import HTMLExporter
from nbstripout import strip_output

hunts = pathlib.Path(sys.argv.pop(1))
files = sorted(hunts.rglob("*.ipynb"))


def notebooks():
    for file in files:
        yield str(file.relative_to(hunts)), nbformat.read(file, as_version=nbformat.NO_CONVERT)


def cells(nb):
    return [(c.cell_type, c.source, c.metadata) for c in nb.cells]


class Text(HTMLParser):
    """What a page shows, and what it would fetch or run."""

    def __init__(self, page):
        super().__init__()
        self.text, self.pictures, self.tables, self.inside = "", 0, 0, []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tables += tag == "table"
        self.pictures += tag in ("img", "svg")
        if tag in ("script", "style"):
            self.inside.append(tag)

    def handle_endtag(self, tag):
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data):
        if not self.inside:
            self.text += data


class Tools(unittest.TestCase):
    def test_there_are_notebooks(self):
        self.assertEqual(len(files), 20)

    def test_nbformat(self):
        """They are valid, and written as Jupyter would write them."""
        for name, nb in notebooks():
            with self.subTest(name):
                self.assertEqual((nb.nbformat, nb.nbformat_minor), (4, 5))
                nbformat.validate(nb, relax_add_props=False)
                self.assertEqual(nbformat.writes(nb) + "\n", (hunts / name).read_text("utf-8"))

    def test_jupytext(self):
        """Cells and their metadata are the same when they come back as text."""
        for name, nb in notebooks():
            for form in "py:percent", "md:myst", "Rmd":
                with self.subTest(name, form=form):
                    text = jupytext.writes(nb, form)
                    self.assertEqual(cells(jupytext.reads(text, form)), cells(nb))

    def test_nbstripout(self):
        """Without outputs they are valid, keep what marks their cells, and can be run again."""
        for name, nb in notebooks():
            with self.subTest(name):
                before = cells(nb)
                strip_output(nb, keep_output=False, keep_count=False, keep_id=True)
                nbformat.validate(nb, relax_add_props=False)
                self.assertFalse([c for c in nb.cells if c.get("outputs") or c.get("execution_count")])
                self.assertEqual(cells(nb), before)
                file = hunts.parent / "stripped" / name
                file.parent.mkdir(parents=True, exist_ok=True)
                nbformat.write(nb, file)

    def test_nbdime(self):
        """A difference is that of the one cell that changed."""
        for name, nb in notebooks():
            with self.subTest(name):
                self.assertEqual(nbdime.diff_notebooks(nb, copy.deepcopy(nb)), [])
                changed = copy.deepcopy(nb)
                at = next(i for i, c in enumerate(nb.cells) if "parameters" in c.metadata.get("tags", []))
                changed.cells[at].source = changed.cells[at].source.replace("rows = 50", "rows = 7")
                (top,) = nbdime.diff_notebooks(nb, changed)
                (cell,) = top.diff
                self.assertEqual((top.op, top.key, cell.op, cell.key), ("patch", "cells", "patch", at))
                self.assertEqual([d.key for d in cell.diff], ["source"])

    def test_nbconvert(self):
        """As a web page they show title, query, table and charts."""
        for name, nb in list(notebooks())[::5]:
            with self.subTest(name):
                page, _ = HTMLExporter().from_notebook_node(nb)
                shown = Text(page)
                title = nb.cells[0].source.splitlines()[0].removeprefix("# ").replace("\\", "")
                self.assertIn(title, shown.text)
                self.assertIn("events match", shown.text)
                self.assertIn("%%sigma", shown.text)
                self.assertNotIn("&#", shown.text)
                held = [kind for c in nb.cells for o in c.get("outputs", []) for kind in o.get("data", {})]
                self.assertEqual(shown.tables > 0, "text/html" in held)
                self.assertGreaterEqual(shown.pictures, held.count("image/svg+xml"))
                file = hunts.parent / "pages" / (pathlib.Path(name).stem + ".html")
                file.parent.mkdir(exist_ok=True)
                file.write_text(page, "utf-8")


unittest.main()
