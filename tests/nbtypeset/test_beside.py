"""Pictures beside a notebook: which files are taken, and by what their formats are known."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest
from fixtures.odd_notebooks import display, outputs

from nbtypeset.beside import PICTURES, picture_beside
from nbtypeset.exporters import TypstExporter


def test_pictures_are_taken_from_the_folder_and_below(tmp_path: Path) -> None:
    """Neither other kinds of files nor what lies outside are, whatever a name or a link says."""
    folder = tmp_path / "notebooks"
    (folder / "img").mkdir(parents=True)
    for path in (
        tmp_path / "out.png",
        folder / "in.PNG",
        folder / "img" / "in.svg",
        folder / "a.txt",
    ):
        path.write_bytes(b"content")
    (folder / "link.png").symlink_to(tmp_path / "out.png")
    (folder / "folder.png").mkdir()
    assert picture_beside(folder, "in.PNG") == ("png", b"content")
    assert picture_beside(folder, "img/../img/in.svg") == ("svg", b"content")
    for name in ("../out.png", str(tmp_path / "out.png"), "link.png", "a.txt", "a", "folder.png",
                 "gone.png", "\0.png", "x" * 5000 + ".png", ""):  # fmt: skip
        assert picture_beside(folder, name) is None, name


@pytest.mark.parametrize(
    ("mime", "ending"), [(mime, {"jpeg": "jpg"}.get(e, e)) for e, mime in PICTURES.items()]
)
def test_picture_of_a_notebook_is_kept_by_its_media_type(mime: str, ending: str) -> None:
    """Its file in the document has the type's usual ending."""
    content = "<svg/>" if ending == "svg" else b64encode(b"no magic").decode()
    notebook = outputs(display(**{mime: content}))
    _, resources = TypstExporter().from_notebook_node(notebook, {})
    assert [name for name in resources["outputs"] if name.endswith(f".{ending}")]
