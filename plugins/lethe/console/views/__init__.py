"""One room for each thing that is shown: read a moment, gather, render."""
