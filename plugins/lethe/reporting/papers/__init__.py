"""Papers: charts, CSV, the monthly report and the sign-off sheet, the record of processing."""
