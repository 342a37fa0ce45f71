"""The page in the Airflow UI: what the Summary says, what waits, and the answer to it."""
