"""What the warehouse has: tables, columns, foreign keys, the subject graph, shared SQL pieces."""
