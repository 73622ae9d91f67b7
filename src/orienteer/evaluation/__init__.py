"""How well a model knows space: measured on fixed views, with honesty probes and a verdict."""
