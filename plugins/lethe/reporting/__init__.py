"""Reports: what was done, formatted for people and machines."""
