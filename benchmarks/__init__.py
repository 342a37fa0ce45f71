"""What the performance claims rest on; `make bench` runs them."""
