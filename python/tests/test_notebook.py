"""The notebook of the documentation runs, and shows what it has shown. `NOTEBOOK=write pytest` writes its outputs."""

import os
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

PATH = Path(__file__).parents[2] / "docs/guides/python.ipynb"


def outputs(notebook: Any) -> list[Any]:
    """The data of each output. Objects of JSON have no order."""
    return [
        [dict(output.get("data", {}), text=output.get("text")) for output in cell.outputs]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def test_the_notebook_shows_what_it_has_shown(tmp_path: Path) -> None:
    notebook = nbformat.read(PATH, as_version=4)  # type: ignore[no-untyped-call]
    expected = outputs(notebook)
    client = NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(tmp_path)}})
    # What a cell prints in two moments is one output.
    client.coalesce_streams = True
    client.execute()
    for cell in notebook.cells:
        # The times of the run.
        cell.metadata.pop("execution", None)
    if os.environ.get("NOTEBOOK") == "write":
        nbformat.write(notebook, PATH)  # type: ignore[no-untyped-call]
        return
    assert outputs(notebook) == expected
