"""Fine-tuning with few labels: weights into a new network, scores per case, predictions on each scan's own grid."""
