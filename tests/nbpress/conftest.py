"""The tiny project, built once and copied for each test."""

import shutil
from pathlib import Path

import pytest
from fixtures.tiny_project import TinyProject


@pytest.fixture
def tiny(tmp_path: Path) -> TinyProject:
    """Return a project that was never built."""
    return TinyProject(tmp_path / "new").write()


@pytest.fixture(scope="session")
def _built_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = TinyProject(tmp_path_factory.mktemp("built") / "tiny").write()
    project.report()
    return project.root


@pytest.fixture
def built(_built_once: Path, tmp_path: Path) -> TinyProject:
    """Return a project whose report is built and published."""
    return TinyProject(shutil.copytree(_built_once, tmp_path / "built"))
