"""`nbpress clean`: deletes what builds have made, but no other files in report/."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from nbpress.errors import PressError
from nbpress.lock import LOCK, locked
from nbpress.log import say
from nbpress.publish.published import RECORD, VALUES, delete_own, finish, read_published


def clean(root: Path) -> None:
    """Delete `build/` and the published report, once no build is running.

    Files in `report/` that the press did not publish, or that were edited since, are kept.
    """
    build, output = root / "build", root / "report"
    with locked(build):
        finish(output)
        others: list[str] = []
        try:
            published = read_published(output)
        except PressError as error:
            say(f"{error}; the forms of the report are kept")
        else:
            others = delete_own(output, published.files() if published else {})
        for path in (output / VALUES, output / RECORD):
            path.unlink(missing_ok=True)
        for name in others:
            if name != VALUES:
                say(f"report/{name} was changed since it was published: it is kept")
        for path in build.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.name != LOCK:
                path.unlink()
        # The lock is deleted last: until then no other build can begin.
        (build / LOCK).unlink()
        with contextlib.suppress(OSError):  # another build has just begun
            build.rmdir()
