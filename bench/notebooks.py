"""Runs all notebooks of a folder, one after the other, with papermill or nbclient.

Usage: notebooks.py papermill|nbclient FROM TO
"""

import pathlib
import sys

program, source, target = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
target.mkdir(parents=True, exist_ok=True)
files = sorted(source.glob("*.ipynb"))
if program == "papermill":
    import papermill

    for file in files:
        papermill.execute_notebook(str(file), str(target / file.name), progress_bar=False)
else:
    import nbclient
    import nbformat

    for file in files:
        nb = nbformat.read(file, as_version=4)
        nbclient.NotebookClient(nb).execute()
        nbformat.write(nb, target / file.name)
