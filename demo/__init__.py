"""What only the demo and the tests need: a platform to run on and a warehouse to run over."""
