"""What predictions are worth: metrics, intervals, calibration, thresholds, comparison, importance.

Evaluation sees predictions and targets, never a model, a file or a store.
"""
