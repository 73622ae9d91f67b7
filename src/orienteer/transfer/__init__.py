"""Putting an encoder to use: weights into a new network, fine-tuning with few labels, scores per case, predictions."""
