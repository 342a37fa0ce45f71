"""The charts of a Summary, each with the words for those who do not see it."""

from __future__ import annotations

from lethe.reporting.papers.bar_charts import draw_backlog, draw_due, draw_logs
from lethe.reporting.papers.chart import Chart, Look
from lethe.reporting.papers.drawing import FORMS, Forms, Theme
from lethe.reporting.papers.night_charts import draw_erasures, draw_overdue
from lethe.reporting.papers.nights import Night, nights_of
from lethe.reporting.summary import Summary
from lethe.reporting.words import wording

__all__ = ["Chart", "Night", "charts", "nights_of"]


def charts(
    summary: Summary, language: str, theme: Theme, forms: Forms = FORMS
) -> tuple[Chart, ...]:
    """Draw what there are figures for: nothing is drawn from nothing.

    forms  'png', 'svg': what is needed; what is left out stays empty, and costs no time
    """
    look = Look(wording(language), theme, forms)
    makers = (draw_erasures, draw_backlog, draw_overdue, draw_due, draw_logs)
    return tuple(chart for make in makers if (chart := make(summary, look)) is not None)
