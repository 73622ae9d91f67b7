"""A baseline pretext: masked autoencoding."""
