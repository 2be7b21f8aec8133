"""Make an environment hold what a lock names, and the project; `tools/setup` calls it.

What the environment stands for is written into it at the end, as its stamp. One without a stamp
was left half-way: as uv does not miss the files that a killed uv left out, it is made anew.
"""

import os
import sys

# Each contains those before it.
LOCKS = ("requirements.lock", "requirements-sweep.lock", "requirements-dev.lock")
PYTHON = sys._base_executable  # this one; if this is .venv's, the one that .venv was made with


def install(environment, lock):
    """Make `environment` what `lock` asks for, unless it is that already, or more."""
    if is_ready(environment, lock):
        return
    import uv  # not before: with nothing to do, set-up takes less time than this import

    guard = uv.hold_lock()
    if is_ready(environment, lock):
        return  # somebody else was at work
    former = read(stamp_of(environment))
    # What has been added, for sweeps or for development, stays.
    lock = max([lock, *(each for each in LOCKS if f"\n{each}\n" in former)], key=LOCKS.index)
    if former:
        os.remove(stamp_of(environment))
    if environment == ".venv":
        uv.synchronize(PYTHON, lock, is_whole=former.startswith(place()), guard=guard)
    else:
        uv.install_project(environment, guard)
    with open(stamp_of(environment), "w", encoding="utf-8") as file:
        file.write(state(lock))


def is_ready(environment, lock):
    """Tell whether an environment is as `lock` asks for, or a larger lock."""
    former = read(stamp_of(environment))
    return any(former == state(each) for each in LOCKS[LOCKS.index(lock) :])


def stamp_of(environment):
    """Return the path of an environment's stamp."""
    return os.path.join(environment, ".ready")


def state(lock):
    """Return what an environment stands for, word for word: any difference installs again."""
    contained = LOCKS[: LOCKS.index(lock) + 1]
    return "\n".join([place(), project(), *(f"\n{name}\n{read(name)}" for name in contained)])


def place():
    """Return what no installation can change: the folder, the Python and the processor."""
    python = f"{os.path.realpath(PYTHON)} {sys.version_info[0]}.{sys.version_info[1]}"
    return f"{os.getcwd()!a}\n{python} {os.uname().machine}\n"


def project():
    """Return pyproject.toml without the settings of tools that have no part in installing."""
    sections = ("\n" + read("pyproject.toml")).split("\n[")
    return "\n[".join(
        each
        for each in sections
        if not each.lstrip("[").startswith("tool.") or each.startswith("tool.hatch")
    )


def read(path):
    """Return a file's text, empty if there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


if __name__ == "__main__":
    task, *words = sys.argv[1:]
    if task == "install":
        install(*words)
    else:
        import uv

        uv.become(PYTHON, words)
