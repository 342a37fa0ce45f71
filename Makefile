# Lethe from a fresh checkout; `make help` names what there is to do.
#
# PYTHON=/path/to/python3   the Python 3.11 to 3.13 to make the environment with
# LETHE_PORT=8081           the port of the Airflow UI (8080)
# LETHE_HOME=/path          where all state lives (./var)
# LETHE_DEMO_ACCOUNTS=5000  size of the demo warehouse
# LETHE_DAGS=/path          another folder of DAGs (./dags)
# TESTS=tests/policy        what make test runs (all of it)

PYTHON ?=
TESTS ?=
VENV := .venv/bin
PLATFORM := $(VENV)/python -m demo.platform

.PHONY: help setup demo up down status test lint bench lock env

help:
	@sed -n 's/^\([a-z]*\):.*## /make \1	/p' Makefile | expand -t 14

setup: ## the virtual environment from requirements.txt
	@python=$$(demo/platform/find-python.sh "$(PYTHON)") && "$$python" -m demo.platform.bootstrap

demo: setup ## one whole night over a demo warehouse, through the real scheduler
	@$(PLATFORM) demo

up: setup ## PostgreSQL, Airflow and the mail sink stay up
	@$(PLATFORM) up

down: ## stop everything that this checkout started
	@if [ -x $(VENV)/python ]; then $(PLATFORM) down; else echo "Nothing runs here."; fi

status: ## name what runs
	@if [ -x $(VENV)/python ]; then $(PLATFORM) status; else echo "Nothing runs here."; fi

test: setup ## all tests
	@$(VENV)/python -m pytest -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(TESTS)

lint: setup ## every gate but the tests
	@$(VENV)/python -m demo.platform.gates

bench: setup ## the benchmarks
	@PYTHONPATH=plugins $(VENV)/python -m benchmarks

lock: setup ## requirements.txt anew from requirements.in
	@$(VENV)/python -m demo.platform.lock

env: ## .env for docker compose, from .env.example with fresh secrets
	@python=$$(demo/platform/find-python.sh "$(PYTHON)") && "$$python" -m demo.platform.env_file
