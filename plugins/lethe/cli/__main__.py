"""`python -m lethe.cli`, which `bin/lethe` calls."""

import sys

try:
    from lethe.cli.app import main

    code = main(sys.argv[1:])
except KeyboardInterrupt:  # before there was anything to stop, or in the last line
    code = 130
sys.exit(code)
