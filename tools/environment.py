"""Make the environment in a folder hold what a lock names, and the project; `tools/setup` calls it.

uv does the work: the user's own, or one that pip installs into build/uv. What the environment
stands for is written into it at the end, as its stamp. One without a stamp was left half-way,
since uv does not see the files that a killed uv left out, and it is made anew.
"""

import ast
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

LOCKS = ("requirements.lock", "requirements-dev.lock")  # the second contains the first
UV_LOCK = Path("tools/requirements.lock")
UV_FOLDER = Path("build/uv")
OLDEST_UV = (0, 5, 0)
PYTHON = sys._base_executable  # this one, or what .venv was made with if this one is .venv's

# The options of pip that matter here, by the variables that uv has for them.
FROM_PIP = {
    "UV_DEFAULT_INDEX": "index-url",
    "UV_INDEX": "extra-index-url",
    "UV_FIND_LINKS": "find-links",
    "UV_INSECURE_HOST": "trusted-host",
    "SSL_CERT_FILE": "cert",
    "SSL_CLIENT_CERT": "client-cert",
    "ALL_PROXY": "proxy",
}


def say(text):
    """Tell the user what happens."""
    sys.stderr.write(f"{text}\n")


def stamp(lock):
    """Return all that an environment depends on: its Python, its folder, the project, the lock.

    Of pyproject.toml that is what an installation reads, and no settings of other tools.
    """
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    project["tool"] = project.get("tool", {}).get("hatch")
    contained = LOCKS[: LOCKS.index(lock) + 1]
    hashes = {name: hashlib.sha256(Path(name).read_bytes()).hexdigest() for name in contained}
    python = [os.path.realpath(PYTHON), *sys.version_info[:2], os.uname().machine]
    return {"python": python, "folder": os.getcwd(), "project": project, "locks": hashes}


def read_stamp(environment):
    """Return an environment's stamp, which is empty if it was left half-way."""
    try:
        return json.loads((environment / ".ready").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def install(environment, lock):
    """Make the environment what `lock` asks for, unless it is so or holds even more."""
    environment = Path(environment)

    def is_ready():
        return read_stamp(environment) in [stamp(each) for each in LOCKS[LOCKS.index(lock) :]]

    if is_ready():
        return
    guard = hold_lock()
    if is_ready():
        return
    former = read_stamp(environment)
    wanted = stamp(LOCKS[-1] if LOCKS[-1] in former.get("locks", ()) else lock)  # dev stays dev
    (environment / ".ready").unlink(missing_ok=True)
    if environment != Path(".venv"):
        say(f"Installing the project into the conda environment {environment} …")
        python = str(environment / "bin/python")
        pip = [python, "-m", "pip", "install", "-qq", "--no-deps", "--no-build-isolation"]
        run([*pip, "--editable", "."], guard)
    else:
        is_whole = all(former.get(each) == wanted[each] for each in ("python", "folder"))
        synchronize(list(wanted["locks"])[-1], is_whole, guard)
    (environment / ".ready").write_text(json.dumps(wanted), encoding="utf-8")


def synchronize(lock, is_whole, guard):
    """Have uv make .venv, unless it `is_whole`, and install and remove packages."""
    options = pip_options()
    uv = [find_uv(options, guard)]
    variables = uv_variables(options)
    if not is_whole:
        if os.path.lexists(".venv"):
            say("The .venv here is incomplete, of another place or of another Python: made anew")
        run(["rm", "-rf", ".venv"], guard)
        run([*uv, "venv", "--quiet", "--python", PYTHON, ".venv"], guard, variables)
    say(f"Installing the packages of {lock} into .venv …")
    # As pip does, uv takes a package from whichever index has it, of which the hashes make sure.
    sync = [*uv, "pip", "sync", "--python", ".venv", "--require-hashes", lock]
    sync += ["--index-strategy", "unsafe-best-match"]
    if (options or {}).get("no-index", "").lower() in ("1", "true", "yes", "on"):
        sync.append("--no-index")
    run(sync, guard, variables)
    project = ["--quiet", "--no-deps", "--no-build-isolation", "--editable", "."]
    run([*uv, "pip", "install", "--python", ".venv", *project], guard, variables)


def run(command, guard=None, environment=None):
    """Run a command, which holds the lock as long as it lives, be this process killed."""
    kept = () if guard is None else (guard.fileno(),)
    code = subprocess.run(command, env=environment, pass_fds=kept, check=False).returncode
    if code:
        sys.exit(f"{Path(command[0]).name} failed, for the reason above (exit status {code})")


def hold_lock():
    """Wait until no other installation is at work here; return the open file that is locked."""
    Path("build").mkdir(exist_ok=True)
    file = open("build/install.lock", "w")  # noqa: SIM115 - the kernel frees it at the very end
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("Another installation is at work in this folder: waiting for it to end")
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError:
        pass  # a file system without locks
    return file


def pip_options():
    """Return pip's options by name, from its files and PIP_… variables; None without pip."""
    command = [PYTHON, "-m", "pip", "config", "list"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        return None
    pairs = re.findall(r"^(global|install|:env:)\.([a-z-]+)=('.*'|\".*\")$", done.stdout, re.M)
    pairs.sort(key=lambda pair: ("global", "install", ":env:").index(pair[0]))  # the last one wins
    return {name: ast.literal_eval(value) for _, name, value in pairs}


def uv_variables(options):
    """Return the variables for uv, which does not read pip's; what the user set for uv stays."""
    variables = {}
    for name, option in FROM_PIP.items():
        if option in (options or {}):
            separator = "," if name == "UV_FIND_LINKS" else " "
            variables[name] = separator.join(options[option].split())
    if any(re.match(r"UV_(DEFAULT_|EXTRA_)?INDEX(_URL)?$", name) for name in os.environ):
        variables.pop("UV_DEFAULT_INDEX", None)
        variables.pop("UV_INDEX", None)
    return variables | os.environ | {"UV_PYTHON_DOWNLOADS": "never"}


def find_uv(options, guard=None):
    """Return the path of a uv: the user's own if it is new enough, else that in build/uv."""
    own = shutil.which("uv")
    if own:
        done = subprocess.run([own, "--version"], capture_output=True, text=True, check=False)
        version = re.match(r"uv (\d+)\.(\d+)\.(\d+)", done.stdout)
        if version and tuple(map(int, version.groups())) >= OLDEST_UV:
            return own
    lock = UV_LOCK.read_bytes()
    copy = UV_FOLDER / "requirements.lock"  # is there when uv is
    if not (copy.exists() and copy.read_bytes() == lock):
        say("Installing uv into build/uv …")
        python = PYTHON
        if options is None:  # pip is missing, but Python may carry it
            run([PYTHON, "-m", "venv", "--clear", "build/pip"], guard)
            python = "build/pip/bin/python"
        run(["rm", "-rf", UV_FOLDER], guard)
        pip = [python, "-m", "pip", "install", "-qq", "--no-deps", "--require-hashes"]
        run([*pip, "--only-binary", ":all:", "--target", UV_FOLDER, "-r", UV_LOCK], guard)
        copy.write_bytes(lock)
    return str(UV_FOLDER.resolve() / "bin/uv")


if __name__ == "__main__":
    task, *words = sys.argv[1:]
    if task == "install":
        install(*words)
    else:
        options = pip_options()
        uv = find_uv(options)
        os.execve(uv, [uv, *words], uv_variables(options))
