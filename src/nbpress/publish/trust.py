"""Deletes what could forge a check; names edited files, and what fresh runs cannot verify."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from nbpress.files import digest, read
from nbpress.project.dataset import DataSet
from nbpress.project.project import Project, folders_below
from nbpress.publish.provenance import read_commit
from nbpress.publish.published import Published
from nbpress.run.environment import settings_folders


def delete_forgeable(project: Project) -> None:
    """Delete what fresh kernels would believe: bytecode, and settings of IPython and Matplotlib.

    Bytecode need not be that of its source: Python believes a header that anybody can write. The
    folder of a report may come from others.
    """
    for folder in settings_folders(project.build):
        shutil.rmtree(folder, ignore_errors=True)
    for folder, _ in folders_below(project.root):
        shutil.rmtree(folder / "__pycache__", ignore_errors=True)


def edited(output: Path, published: Published) -> Iterator[str]:
    """Yield the published files that are not what their record says."""
    for name, recorded_digest in published.files().items():
        content = read(output / name)
        if content is not None and digest(content) != recorded_digest:
            yield name


def unverified(published: Published, dataset: DataSet, project: Project) -> Iterator[str]:
    """Yield what a report says of its origin and runs cannot verify, if it is different here."""
    date = read_commit(project.root, project.report.date).date
    if published.date != date:
        yield f"its date is {published.date}; made here it would be {date}"
    if published.reason != dataset.reason:
        here = f"made here it would be {dataset.reason!r}"
        yield f"it says of its data set {published.reason!r}; {here}"
