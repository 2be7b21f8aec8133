"""Make an environment contain the packages of a lock, and the project; `tools/setup` calls it.

At the end the environment's state is written into it, as its stamp. An environment without a stamp
is unfinished and is made again, because uv does not notice files that a killed uv left out.
"""

import os
import sys

# Each contains those before it.
LOCKS = ("requirements.lock", "requirements-sweep.lock", "requirements-dev.lock")
PYTHON = sys._base_executable  # this Python; for .venv's, the one that .venv was made with


def install(environment, lock):
    """Install what `lock` asks for into `environment`, unless it has that already, or more."""
    if is_ready(environment, lock):
        return
    import uv  # only now: if there is nothing to do, set-up takes less time than this import

    guard = uv.hold_lock()
    if is_ready(environment, lock):
        return  # another process did it meanwhile
    former = read(stamp_of(environment)) if has_python(environment) else ""
    # Packages that were added for sweeps or for development are kept.
    lock = max([lock, *(each for each in LOCKS if f"\n{each}\n" in former)], key=LOCKS.index)
    if os.path.exists(stamp_of(environment)):
        os.remove(stamp_of(environment))
    if environment == ".venv":
        uv.synchronize(PYTHON, lock, is_whole=former.startswith(fixed_state()), guard=guard)
    else:
        uv.install_project(environment, guard)
    with open(stamp_of(environment), "w", encoding="utf-8") as file:
        file.write(state(lock))


def is_ready(environment, lock):
    """Return whether an environment has what `lock`, or a larger lock, asks for."""
    former = read(stamp_of(environment)) if has_python(environment) else ""
    return any(former == state(each) for each in LOCKS[LOCKS.index(lock) :])


def has_python(environment):
    """Return whether an environment's Python still exists; after an upgrade its link may dangle."""
    return os.path.exists(os.path.join(environment, "bin", "python"))


def stamp_of(environment):
    """Return the path of an environment's stamp."""
    return os.path.join(environment, ".ready")


def state(lock):
    """Return an environment's state as text: if anything in it differs, it is installed again."""
    contained = LOCKS[: LOCKS.index(lock) + 1]
    return "\n".join([fixed_state(), project(), *(f"\n{name}\n{read(name)}" for name in contained)])


def fixed_state():
    """Return the part that installing cannot change: the folder, the Python and the processor."""
    python = f"{os.path.realpath(PYTHON)} {sys.version_info[0]}.{sys.version_info[1]}"
    return f"{os.getcwd()!a}\n{python} {os.uname().machine}\n"


def project():
    """Return pyproject.toml without the settings of tools that do not affect installing."""
    sections = ("\n" + read("pyproject.toml")).split("\n[")
    return "\n[".join(
        each
        for each in sections
        if not each.lstrip("[").startswith("tool.") or each.startswith("tool.hatch")
    )


def read(path):
    """Return a file's text, "" if there is no such file."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


if __name__ == "__main__":
    task, *arguments = sys.argv[1:]
    if task == "install":
        install(*arguments)
    else:
        import uv

        uv.become(PYTHON, arguments)
