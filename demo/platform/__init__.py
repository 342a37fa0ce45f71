"""The demo's ground: environment, embedded PostgreSQL, Airflow, mail sink, and one night on them.

`bootstrap` runs under any Python 3.11 to 3.13 before there is an environment; so this file
and that one import the standard library only.
"""
