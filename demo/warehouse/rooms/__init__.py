"""One maker of rows for each schema of the demo warehouse."""
