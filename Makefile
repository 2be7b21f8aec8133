# The front door. `make` alone prints help; each target installs what it needs by itself.

.DEFAULT_GOAL := help
.PHONY: help setup report html tex watch preview sweep check test test-quick test-faults lint lab bench wheel reference lock clean

help:  ## print this help
	@echo 'make TARGET [VARIABLE=value …]'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 } \
		/^##( |$$)/ { print substr($$0, 4) }' Makefile

setup: .report-ready  ## install what report, html, tex and check need into .venv (they do it too)

report: .report-ready  ## build report/report.pdf: execute what is stale, publish if nothing fails
	@$(python) -m nbpress report

html: .report-ready  ## build report/report.html, one file that needs no network
	@$(python) -m nbpress html

tex: .report-ready  ## write the report's LaTeX source
	@$(python) -m nbpress tex

watch: .dev-ready  ## build report/report.pdf, and again after every save; Ctrl-C ends it
	@$(python) -m nbpress watch

preview: .dev-ready  ## the same for report.html, in a browser that reloads it each time
	@$(python) -m nbpress preview

sweep: .sweep-ready  ## run a notebook many times, as sweeps/SWEEP.yaml says, and publish a summary
	@$(if $(value SWEEP),,$(error Which sweep? make sweep SWEEP=penalty, for sweeps/penalty.yaml))
	@$(python) -m nbpress sweep run --report

check: .no-bytecode .report-ready  ## execute everything again; compare with published files and recorded values
	@$(python) -m nbpress check

# Bytecode that came with the folder might be that of other sources, set-up's and nbpress's among
# them, so this comes first.
.PHONY: .no-bytecode
.no-bytecode:
	@find . -name .venv -prune -o -name __pycache__ -prune -exec rm -rf {} +

# One process per core, each with one BLAS thread, like the notebooks of the report. Each starts
# with neighbouring tests, which share costly fixtures; when it has none left, it takes others'.
pytest = OPENBLAS_NUM_THREADS=1 $(python) -m pytest --numprocesses logical --maxprocesses 8 \
	--dist worksteal

test: .dev-ready  ## run the tests, all but the fault suite
	$(pytest) -m 'not faults'

test-quick: .dev-ready  ## run the tests that start no kernel, build or browser: about a minute
	$(pytest) -m 'not faults' --quick -rfE

test-faults: .dev-ready  ## run the fault suite: full disks, killed kernels, builds and set-ups
	$(pytest) -m faults

# Only import-linter cannot be run with -m; its script is Python, whatever its first line says.
lint: .dev-ready  ## check style, types, imports and texts, and that no outputs are in git
	$(python) -m ruff check
	$(python) -m ruff format --check
	$(python) -m mypy
	$(python) $(environment)/bin/lint-imports
	tools/notebooks check
	$(python) -m nbpress lint

lab: .dev-ready  ## open JupyterLab with notebooks/explore.ipynb, for this machine only, behind a token
	@tools/notebooks filter $(environment)
	@JUPYTER_CONFIG_PATH="tools/jupyter:$$JUPYTER_CONFIG_PATH" $(python) tools/lab.py \
		--ServerApp.ip=127.0.0.1 --ServerApp.root_dir=. \
		"--LabApp.default_url=/lab/tree/notebooks/explore.ipynb?file-browser-path=/" \
		$(if $(filter 0,$(shell id -u)),--allow-root)

bench: .dev-ready  ## time training and build, each against its peers
	@$(python) -m benchmarks

wheel:  ## build the wheel that `nbpress new` needs elsewhere, into dist/
	@tools/setup uv build --quiet --wheel --out-dir dist
	@ls dist/*.whl

reference: .dev-ready  ## write what docs/reference/ takes from the code
	@$(python) tools/reference

# Not in help: remakes the locks after a change of pyproject.toml. Versions that still fit stay;
# UPGRADE=1 takes the newest. A folder of wheels or an extra index that one user has would leave
# everybody else's files out of the lock.
compile = UV_FIND_LINKS= UV_EXTRA_INDEX_URL= tools/setup uv pip compile --quiet --universal \
	--python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
	$(if $(value UPGRADE),--upgrade)
backend = $(python) -c 'import tomllib; project = tomllib.load(open("pyproject.toml", "rb")); \
	print(*project["build-system"]["requires"], sep="\n")'
lock: .report-ready
	$(backend) | $(compile) --extra science pyproject.toml - --output-file requirements.lock
	$(backend) | $(compile) --extra science --extra sweep --constraint requirements.lock \
		pyproject.toml - --output-file requirements-sweep.lock
	$(compile) --extra science --extra sweep --extra lab --extra dev \
		--constraint requirements-sweep.lock pyproject.toml --output-file requirements-dev.lock
	echo uv | $(compile) - --output-file tools/requirements.lock

# Only nbpress knows what it published; without it (a deleted .venv) the published report is kept.
clean:  ## delete build/, the published report and all caches; keep .venv and data/mnist
	@if $(python) -c 'import nbpress.cli' 2>/dev/null; then $(python) -m nbpress clean; \
		else rm -rf build; if [ -e report/published.json ]; then \
		echo 'Without .venv, the published report is kept: make setup clean'; fi; fi
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find src tests tools benchmarks notebooks \( -name __pycache__ -o -name .ipynb_checkpoints \) \
		-prune -exec rm -rf {} +

##
## DATASET=auto     mnist, digits (part of scikit-learn), or auto: MNIST if it is available
## ENGINE=typst     typst, or latex if TeX is installed
## FORM=report.pdf  what watch builds: report.pdf, report.html or report.tex
## CODE=1           show the code cells
## FORCE=1          execute all notebooks, stale or not
## PARAMS="…"       parameters, such as PARAMS="learning_rate=0.1 seed=2"
## SWEEP=penalty    which sweep
## RECORD=1         with check: record the values instead of comparing
## ONELAYER_DATA=…  a folder with the four MNIST files
## PYTHON=…         the Python (3.11 or newer) that .venv is made with

# ---- Variables ------------------------------------------------------------------------------
# No recipe contains them: nbpress reads NBPRESS_DATASET and so on from the environment, where the
# variables on make's command line are put; short names in the environment itself do not count.
# Because make would expand a `$` in a value, each value is replaced by its own text, literally.

literally = $(eval $1 := $$(value $2))
ours := DATASET ENGINE FORM CODE FORCE PARAMS RECORD SWEEP
theirs := ONELAYER_DATA PYTHON
$(foreach v,$(ours),$(if $(filter command,$(origin $v)), \
	$(call literally,NBPRESS_$v,$v)$(eval export NBPRESS_$v)$(eval unexport $v)))
$(foreach v,$(theirs),$(if $(filter-out undefined,$(origin $v)), \
	$(call literally,override $v,$v)$(eval export $v)))

# A variable that nothing reads would be ignored silently, so it is an error, except for make's own
# and those that programs read from the environment.
given := $(foreach v,$(.VARIABLES),$(if $(filter command,$(origin $v)),$v))
unknown := $(filter-out $(ours) $(theirs) UPGRADE V SHELL .% MAKE% %FLAGS NBPRESS_% PIP_% UV_% CONDA_% \
	PYTHON% PYTEST_% SOURCE_DATE_EPOCH TMPDIR PATH HOME %_PROXY %_proxy,$(given))
$(if $(unknown),$(error Nothing reads $(unknown). The variables are $(ours) $(theirs); \
	a parameter of the notebooks is given as PARAMS="learning_rate=0.1"))

# One that the targets on the command line do not read is an error, too; `help` takes any.
reads-report := DATASET ENGINE CODE FORCE PARAMS
reads-html := DATASET CODE FORCE PARAMS
reads-tex := $(reads-html)
reads-watch := DATASET ENGINE FORM CODE PARAMS
reads-preview := DATASET CODE PARAMS
reads-check := DATASET PARAMS RECORD
reads-sweep := DATASET SWEEP
reads := $(sort $(foreach goal,$(MAKECMDGOALS),$(reads-$(goal))))
unread := $(if $(filter-out help,$(MAKECMDGOALS)),$(filter-out $(reads),$(filter $(ours),$(given))))
$(if $(unread),$(error `make $(MAKECMDGOALS)` does not read $(unread); it reads $(or $(reads),no variable)))

# Only the project's environment decides what Python finds, and where pip installs. Bytecode is
# kept, so that only the first import compiles.
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME PIP_TARGET PIP_PREFIX PIP_ROOT PYTHONDONTWRITEBYTECODE
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
python := $(environment)/bin/python

.PHONY: .report-ready .sweep-ready .dev-ready
.report-ready:
	@tools/setup install $(environment) requirements.lock
.sweep-ready:
	@tools/setup install $(environment) requirements-sweep.lock
.dev-ready:
	@tools/setup install $(environment) requirements-dev.lock
