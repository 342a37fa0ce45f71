"""The demo warehouse: schema, deterministic generator, loader. Invented people only."""
