# The front door. `make` alone prints help; each target installs what it needs by itself.

.DEFAULT_GOAL := help
.PHONY: help setup report html tex check test test-faults lint lab bench lock clean

help:  ## print this help
	@echo 'make TARGET [VARIABLE=value …]'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 } \
		/^##( |$$)/ { print substr($$0, 4) }' Makefile

setup: .report-ready  ## install what report, html, tex and check need into .venv (they do so too)

report: .report-ready  ## build report/report.pdf: execute what is stale, publish if all is well
	@$(bin)/nbpress report

html: .report-ready  ## build report/report.html, one file that needs no network
	@$(bin)/nbpress html

tex: .report-ready  ## write the report's LaTeX source
	@$(bin)/nbpress tex

check: .report-ready  ## tell whether the published report still holds
	@$(bin)/nbpress check

# A process for each core, each with one BLAS thread, as notebooks have in the report. They start
# with neighbouring tests, which share what is costly to build, and steal when they have no more.
pytest = OPENBLAS_NUM_THREADS=1 $(bin)/pytest --numprocesses logical --maxprocesses 8 \
	--dist worksteal

test: .dev-ready  ## run the tests, all but the fault suite
	$(pytest) -m 'not faults'

test-faults: .dev-ready  ## run the fault suite: full disks, dying kernels, dead mirrors
	$(pytest) -m faults

lint: .dev-ready  ## check style, types and who imports whom
	$(bin)/ruff check
	$(bin)/ruff format --check
	$(bin)/mypy
	$(bin)/lint-imports

lab: .dev-ready  ## open the notebooks in JupyterLab, for this machine only, behind a token
	@$(bin)/jupyter-lab --ServerApp.ip=127.0.0.1 --ServerApp.root_dir=notebooks \
		$(if $(filter 0,$(shell id -u)),--allow-root)

bench: .dev-ready  ## time training and build, each against its peers
	@$(bin)/python -m benchmarks

# Not in help: remakes the locks after a change of pyproject.toml. Versions that still fit stay;
# UPGRADE=1 takes the newest.
compile = $(bin)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --no-header $(if $(value UPGRADE),--upgrade)
lock: .report-ready
	@$(bin)/python -m pip -qq install uv
	$(bin)/python -c 'import tomllib; project = tomllib.load(open("pyproject.toml", "rb")); \
		print(*project["build-system"]["requires"], sep="\n")' | $(compile) \
		pyproject.toml - --output-file requirements.lock
	$(compile) --extra lab --extra dev --constraint requirements.lock \
		pyproject.toml --output-file requirements-dev.lock

clean:  ## delete build/, the published report and all caches; .venv and data/mnist stay
	@rm -rf build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find report -maxdepth 1 -name 'report.*' ! -name report.yaml -exec rm -rf {} +
	@rm -rf report/values.json report/report_files report/.*.new
	@find src tests benchmarks notebooks \( -name __pycache__ -o -name .ipynb_checkpoints \) \
		-prune -exec rm -rf {} +

##
## DATASET=auto     mnist, digits (comes with scikit-learn), or auto: MNIST if it can be had
## ENGINE=typst     typst, or latex if TeX is installed
## CODE=1           show the code cells
## FORCE=1          execute all notebooks, stale or not
## PARAMS="…"       parameters, such as PARAMS="learning_rate=0.1 seed=2"
## ONELAYER_DATA=…  a folder with the four MNIST files
## PYTHON=…         the Python (3.11 or newer) that .venv is made with

# ---- Variables ------------------------------------------------------------------------------
# Recipes never name them: nbpress reads them from the environment. As make would expand a `$`
# in a variable from its command line, each is replaced by its own text, to be taken literally.

variables := DATASET ENGINE CODE FORCE PARAMS ONELAYER_DATA PYTHON
literally = $(eval override $1 := $$(value $1))$(eval export $1)
$(foreach v,$(variables),$(if $(filter-out undefined,$(origin $v)),$(call literally,$v)))

# The project's environment alone decides what Python finds, and pip where it installs.
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME PIP_TARGET PIP_PREFIX PIP_ROOT
export PYTHONNOUSERSITE := 1
export PIP_USER := 0
export PIP_REQUIRE_VIRTUALENV := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# ---- The environment ------------------------------------------------------------------------
# An active conda environment made from environment.yml, else .venv.

conda_name := $(if $(value CONDA_PREFIX),$(shell sed -n 's/^name: *//p' environment.yml))
ifeq ($(or $(value CONDA_DEFAULT_ENV),none),$(conda_name))
environment := "$$CONDA_PREFIX"
else
environment := .venv
endif
bin := $(environment)/bin

# What a stamp stands for it holds word for word: the project's folder, Python's version,
# pyproject.toml and the lock. Any difference installs again. While pip works, .installing lists
# the packages that were there before: if it outlives pip and the list has changed, pip was killed
# half-way, and .venv is made anew.

define install
stamp=$1 lock=$2 environment=$3
python=$environment/bin/python

say() { printf '%s\n' "$*" >&2; }
fail() { say "$@"; exit 1; }
stands_for() { pwd -P; "$environment/bin/python" -V; cat pyproject.toml "$1"; }
is_ready() {
  [ ! -e "$environment/.installing" ] &&
    stands_for "$lock" 2>/dev/null | cmp -s - "$environment/$stamp"
}
packages() { ls -A "$environment"/lib/python*/site-packages 2>/dev/null || :; }

if is_ready; then exit; fi

# Print nothing if Python can make .venv, else why not.
try() {
  reason=$("$1" -c '
import sys
version = "%d.%d" % sys.version_info[:2]
if sys.version_info < (3, 11):
    sys.exit("is Python " + version)
try:
    import ensurepip, venv
except ImportError:
    sys.exit("is Python " + version + " without venv and ensurepip")
' 2>&1) || case $reason in
    "is Python"*) printf '%s\n' "$reason" ;;
    *) echo "does not run" ;;
  esac
}

find_python() {
  if [ -n "${PYTHON-}" ]; then set -- "$PYTHON"; else
    set -- python3 python3.14 python3.13 python3.12 python3.11 python
  fi
  found=
  for python do
    if command -v "$python" >/dev/null; then
      why_not=$(try "$python")
      if [ -z "$why_not" ]; then return; fi
      found="$found
  $python $why_not"
    fi
  done
  fail "Python 3.11 or newer is needed, with venv and ensurepip; found: ${found:-none of $*}
Install it (Debian, Ubuntu: python3 and python3-venv; macOS: brew install python; others:
python.org) or name it: make PYTHON=/path/to/python …"
}

# Whether .venv is whole: of this place, not left half-way, with a Python and a pip that run.
is_whole() {
  for other in .venv/.*-ready; do
    if [ -e "$other" ] && [ "$(head -n 1 "$other")" != "$(pwd -P)" ]; then return 1; fi
  done
  if [ -e .venv/.installing ] && ! packages | cmp -s - .venv/.installing; then return 1; fi
  [ -z "$(try .venv/bin/python)" ] && .venv/bin/python -m pip --version >/dev/null 2>&1
}

# One installation at a time; the kernel drops the lock of a process that dies.
if [ -n "$(try "$python")" ]; then find_python; fi
mkdir -p build
exec 9>build/install.lock
"$python" -c '
import fcntl, sys
try:
    fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    sys.stderr.write("Another installation is at work in this folder: waiting for it to end\n")
    fcntl.flock(9, fcntl.LOCK_EX)
except OSError:
    pass  # a file system without locks
'
if is_ready; then exit; fi

if [ "$environment" = .venv ] && ! is_whole; then
  find_python
  if [ -e .venv ]; then say "The .venv here is incomplete or of another place: making it anew"; fi
  rm -rf .venv
  mkdir .venv
  : >.venv/.installing
  "$python" -m venv .venv
fi
pip() { "$environment/bin/python" -m pip -qq "$@"; }
packages >"$environment/.installing"
if [ "$environment" = .venv ]; then
  say "Installing the packages of $lock into .venv, which can take a minute …"
  pip install --no-compile --require-hashes --no-deps --requirement "$lock" ||
    fail "The packages of $lock could not be installed, for the reason above; run it again."
  # pip would use one core. Some packages carry files that are not for this Python: no matter.
  "$environment/bin/python" -m compileall -qq -j 0 "$environment/lib" || :
else
  say "Installing the project into the conda environment $CONDA_DEFAULT_ENV …"
fi
pip install --no-deps --no-build-isolation --editable .
stands_for "$lock" >"$environment/$stamp"
stands_for requirements.lock >"$environment/.report-ready"  # which the dev lock contains
rm "$environment/.installing"
endef

.PHONY: .report-ready .dev-ready
.report-ready: lockfile := requirements.lock
.dev-ready: lockfile := requirements-dev.lock
.report-ready .dev-ready: export script := $(value install)
.report-ready .dev-ready:
	@/bin/sh -euc "$$script" install $@ $(lockfile) $(environment)
