"""uv, which makes .venv: the user's own, or one that pip installs into build/uv."""

import ast
import fcntl
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

LOCK = Path("tools/requirements.lock")
FOLDER = Path("build/uv")
OLDEST = (0, 5, 0)

# The options of pip that say where packages come from, by uv's variables for them. Of uv's two
# names for an index this is the older one: if the user has set the newer one, uv prefers that.
FROM_PIP = {
    "UV_INDEX_URL": "index-url",
    "UV_EXTRA_INDEX_URL": "extra-index-url",
    "UV_FIND_LINKS": "find-links",
    "UV_INSECURE_HOST": "trusted-host",
    "SSL_CERT_FILE": "cert",
    "SSL_CLIENT_CERT": "client-cert",
    "ALL_PROXY": "proxy",
}


def synchronize(python, lock, is_whole, guard):
    """Make .venv with `python`, unless it `is_whole`; install exactly the packages of `lock`."""
    options = pip_options(python)
    uv = find(python, options, guard)
    variables = uv_variables(options)
    if not is_whole:
        if os.path.lexists(".venv"):
            say("The .venv here is unfinished, or from another folder or Python: making a new one")
        run(["rm", "-rf", ".venv"], guard)
        run([uv, "venv", "--quiet", "--python", python, ".venv"], guard, variables)
    say(f"Installing the packages of {lock} into .venv …")
    # Like pip, uv may take a package from any index that has it: the hashes identify the file.
    sync = [uv, "pip", "sync", "--python", ".venv", "--require-hashes", lock]
    sync += ["--index-strategy", "unsafe-best-match"]
    if (options or {}).get("no-index", "").lower() in ("1", "true", "yes", "on"):
        sync += ["--no-index"]
    run(sync, guard, variables)
    project = ["--quiet", "--no-deps", "--no-build-isolation", "--editable", "."]
    run([uv, "pip", "install", "--python", ".venv", *project], guard, variables)


def install_project(environment, guard):
    """Install only the project itself into a conda environment, with its own pip."""
    say(f"Installing the project into the conda environment {environment} …")
    pip = [f"{environment}/bin/python", "-m", "pip", "install", "-qq"]
    run([*pip, "--no-deps", "--no-build-isolation", "--editable", "."], guard)


def become(python, arguments):
    """Replace this process by uv, with these arguments on its command line."""
    options = pip_options(python)
    uv = find(python, options, guard=hold_lock())
    os.execve(uv, [uv, *arguments], uv_variables(options))


def find(python, options, guard):
    """Return the path of the user's own uv if it is new enough, else of the one in build/uv."""
    own = shutil.which("uv")
    if own:
        done = subprocess.run([own, "--version"], capture_output=True, text=True, check=False)
        version = re.match(r"uv (\d+)\.(\d+)\.(\d+)", done.stdout)
        if version and tuple(map(int, version.groups())) >= OLDEST:
            return own
    copy = FOLDER / LOCK.name  # written last
    if not (copy.exists() and copy.read_bytes() == LOCK.read_bytes()):
        say(f"Installing uv into {FOLDER} …")
        if options is None:
            say("This Python has no pip: making one with venv (Debian: package python3-venv) …")
            run([python, "-m", "venv", "--clear", "build/pip"], guard)
            python = "build/pip/bin/python"
        run(["rm", "-rf", FOLDER], guard)
        pip = [python, "-m", "pip", "install", "-qq", "--no-deps", "--require-hashes"]
        pip += ["--no-cache-dir"]  # it runs once per clone, and caching would take 0.7 s
        run([*pip, "--only-binary", ":all:", "--target", FOLDER, "--requirement", LOCK], guard)
        shutil.copy(LOCK, copy)
    return str(FOLDER.resolve() / "bin/uv")


def pip_options(python):
    """Return pip's options by name, from its files and PIP_… variables; None if there is no pip."""
    command = [python, "-m", "pip", "config", "list"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        return None
    order = ("global", "install", ":env:")  # the last one wins
    pairs = re.findall(r"^(global|install|:env:)\.([a-z-]+)=(.+)$", done.stdout, re.MULTILINE)
    pairs.sort(key=lambda pair: order.index(pair[0]))
    return {name: ast.literal_eval(value) for _, name, value in pairs}


def uv_variables(options):
    """Return uv's environment, with pip's options translated; variables set for uv win."""
    variables = {
        name: ("," if name == "UV_FIND_LINKS" else " ").join(options[option].split())
        for name, option in FROM_PIP.items()
        if options and option in options
    }
    return variables | os.environ | {"UV_PYTHON_DOWNLOADS": "never"}


def hold_lock():
    """Wait until no other installation is running here; return the open file with the lock."""
    Path("build").mkdir(exist_ok=True)
    file = open("build/install.lock", "w")  # the operating system closes it
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("Another installation is running in this folder: waiting for it to end")
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError:
        pass  # a file system without locks
    return file


def run(command, guard, variables=None):
    """Run a command to its end; it also holds the lock, in case this process is killed."""
    done = subprocess.run(command, env=variables, pass_fds=[guard.fileno()], check=False)
    if done.returncode:
        sys.exit(f"{Path(command[0]).name} failed; the reason is above")


def say(text):
    """Tell the user what is happening."""
    sys.stderr.write(f"{text}\n")
