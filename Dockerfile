# Lethe on the official Airflow image, with the versions of our lock.
FROM apache/airflow:3.3.2 AS lethe

COPY requirements.txt /tmp/requirements.txt
RUN pip install --no-cache-dir --requirement /tmp/requirements.txt

USER root
RUN install --directory --owner=airflow --group=root --mode=0770 /opt/lethe
USER airflow

COPY --chown=airflow:root plugins /opt/airflow/plugins
COPY --chown=airflow:root include /opt/airflow/include
COPY --chown=airflow:root dags /opt/airflow/dags
COPY --chown=airflow:root bin /opt/airflow/bin

ENV LETHE_HOME=/opt/lethe \
    LETHE_INCLUDE=/opt/airflow/include \
    LETHE_PYTHON=python \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION=True \
    GX_ANALYTICS_ENABLED=false \
    AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT=60

# The same with the demo's warehouse, mail sink and night.
FROM lethe AS demo
COPY --chown=airflow:root demo /opt/airflow/demo
ENV PYTHONPATH=/opt/airflow
