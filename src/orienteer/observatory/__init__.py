"""The observatory: a local web page over a run and a store, to test a model's sense of space by hand. Reads only."""
