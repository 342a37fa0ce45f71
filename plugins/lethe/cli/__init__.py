"""The command line: the same duties as the DAGs, from a shell."""
