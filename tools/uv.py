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

# The options of pip that say where packages come from, by the variables that uv has for them:
# of two names for an index the older one, over which uv prefers what the user set by the newer.
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
    """Make .venv with `python`, unless it `is_whole`; install, and remove, what `lock` says."""
    options = pip_options(python)
    uv = find(python, options, guard)
    variables = uv_variables(options)
    if not is_whole:
        if os.path.lexists(".venv"):
            say("The .venv here is unfinished, or of another folder or Python: making it anew")
        run(["rm", "-rf", ".venv"], guard)
        run([uv, "venv", "--quiet", "--python", python, ".venv"], guard, variables)
    say(f"Installing the packages of {lock} into .venv …")
    # As pip does, uv takes a package from any index that has it: the hashes say which file.
    sync = [uv, "pip", "sync", "--python", ".venv", "--require-hashes", lock]
    sync += ["--index-strategy", "unsafe-best-match"]
    if (options or {}).get("no-index", "").lower() in ("1", "true", "yes", "on"):
        sync += ["--no-index"]
    run(sync, guard, variables)
    project = ["--quiet", "--no-deps", "--no-build-isolation", "--editable", "."]
    run([uv, "pip", "install", "--python", ".venv", *project], guard, variables)


def install_project(environment, guard):
    """Install the project, and nothing else, into a conda environment, by its own pip."""
    say(f"Installing the project into the conda environment {environment} …")
    pip = [f"{environment}/bin/python", "-m", "pip", "install", "-qq"]
    run([*pip, "--no-deps", "--no-build-isolation", "--editable", "."], guard)


def become(python, words):
    """Go on as uv with these words on its command line."""
    options = pip_options(python)
    uv = find(python, options, guard=hold_lock())
    os.execve(uv, [uv, *words], uv_variables(options))


def find(python, options, guard):
    """Return the path of the user's own uv if it is new enough, else of the one in build/uv."""
    own = shutil.which("uv")
    if own:
        done = subprocess.run([own, "--version"], capture_output=True, text=True, check=False)
        version = re.match(r"uv (\d+)\.(\d+)\.(\d+)", done.stdout)
        if version and tuple(map(int, version.groups())) >= OLDEST:
            return own
    copy = FOLDER / LOCK.name  # written at the end
    if not (copy.exists() and copy.read_bytes() == LOCK.read_bytes()):
        say(f"Installing uv into {FOLDER} …")
        if options is None:
            say("This Python has no pip: taking the one it carries (Debian: in python3-venv) …")
            run([python, "-m", "venv", "--clear", "build/pip"], guard)
            python = "build/pip/bin/python"
        run(["rm", "-rf", FOLDER], guard)
        pip = [python, "-m", "pip", "install", "-qq", "--no-deps", "--require-hashes"]
        pip += ["--no-cache-dir"]  # it is once for a clone, and keeping takes 0.7 s
        run([*pip, "--only-binary", ":all:", "--target", FOLDER, "--requirement", LOCK], guard)
        shutil.copy(LOCK, copy)
    return str(FOLDER.resolve() / "bin/uv")


def pip_options(python):
    """Return pip's options by name, from its files and PIP_… variables; None without a pip."""
    command = [python, "-m", "pip", "config", "list"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        return None
    order = ("global", "install", ":env:")  # the last one wins
    pairs = re.findall(r"^(global|install|:env:)\.([a-z-]+)=(.+)$", done.stdout, re.MULTILINE)
    pairs.sort(key=lambda pair: order.index(pair[0]))
    return {name: ast.literal_eval(value) for _, name, value in pairs}


def uv_variables(options):
    """Return the variables for uv, which reads nothing of pip's; what is set for uv stays."""
    variables = {
        name: ("," if name == "UV_FIND_LINKS" else " ").join(options[option].split())
        for name, option in FROM_PIP.items()
        if options and option in options
    }
    return variables | os.environ | {"UV_PYTHON_DOWNLOADS": "never"}


def hold_lock():
    """Wait until no other installation is at work here; return the open file that says so."""
    Path("build").mkdir(exist_ok=True)
    file = open("build/install.lock", "w")  # closed by the kernel
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("Another installation is at work in this folder: waiting for it to end")
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError:
        pass  # a file system without locks
    return file


def run(command, guard, variables=None):
    """Run a command to its end; it holds the lock as well, should this process be killed."""
    done = subprocess.run(command, env=variables, pass_fds=[guard.fileno()], check=False)
    if done.returncode:
        sys.exit(f"{Path(command[0]).name} failed, for the reason above")


def say(text):
    """Tell the user what is going on."""
    sys.stderr.write(f"{text}\n")
