"""Papers: charts, CSV, the monthly report and the sign-off sheet, the record of processing."""

from lethe.reporting.papers.charts import Chart, charts
from lethe.reporting.papers.trace import TraceLine, clause_trace
from lethe.reporting.papers.writing import write_papers

__all__ = ["Chart", "TraceLine", "charts", "clause_trace", "write_papers"]
