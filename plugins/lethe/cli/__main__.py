"""`python -m lethe.cli`, which `bin/lethe` calls."""

import sys

from lethe.cli.app import main

sys.exit(main(sys.argv[1:]))
