#!/bin/sh
# Print the path of a Python 3.11 to 3.13 that can make virtual environments.
# $1 (optional): the one to use, as given by PYTHON=…; then no other is tried.
usable='import sys, ssl, venv, ensurepip
sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'

if [ -n "$1" ]; then
    if "$1" -c "$usable" >/dev/null 2>&1; then
        command -v "$1"
        exit 0
    fi
    echo "PYTHON=$1 is no Python 3.11 to 3.13 with the modules venv, ensurepip and ssl." >&2
    exit 2
fi
for python in python3 python3.13 python3.12 python3.11 \
    /usr/bin/python3 /usr/local/bin/python3 \
    "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[123].*/bin/python3; do
    if "$python" -c "$usable" >/dev/null 2>&1; then
        command -v "$python"
        exit 0
    fi
done
echo "No Python 3.11 to 3.13 with the modules venv, ensurepip and ssl was found." >&2
echo "Install one (Debian and Ubuntu: apt install python3 python3-venv) or name it: make setup PYTHON=/path/to/python3" >&2
exit 2
