"""The one eraser: every destruction in the warehouse passes here."""
