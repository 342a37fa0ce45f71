"""The report as a mail: what it says, how it looks, that it arrives once."""
