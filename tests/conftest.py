"""`--quick` runs tests that are not slow and start no program (kernel, build or browser)."""

import os
import sys
from collections.abc import Iterator

import pytest

_STARTS = ("subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn")  # events of Python's
_PASSED = ("pandoc", "git")  # programs that are done in no time


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption("--quick", action="store_true", help="skip tests as they start a program")


def pytest_configure(config: pytest.Config) -> None:
    """Watch which programs tests start in this process."""
    if config.getoption("--quick"):
        sys.addaudithook(_skip)
        config.pluginmanager.register(_Quick())


class _Quick:
    """Skips tests marked as slow, and knows whether a test, with its fixtures, is running."""

    running = False

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for test in items:
            if test.get_closest_marker("slow") or "browser" in test.fixturenames:
                test.add_marker(pytest.mark.skip("is slow"))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Iterator[None]:
        _Quick.running = True
        try:
            return (yield)
        finally:
            _Quick.running = False


def _skip(event: str, arguments: tuple[object, ...]) -> None:
    """Skip the test that is about to start a program, whatever of ours would do so."""
    if _Quick.running and event in _STARTS:
        program = os.path.basename(os.fsdecode(arguments[0])) if arguments else "a copy of itself"
        if program not in _PASSED:
            pytest.skip(f"starts {program}")
