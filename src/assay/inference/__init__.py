"""The finished model: schema, estimator, calibration, threshold and labels in one artifact.

Plain MLflow loads it where Assay is not installed, and gives the same labels and probabilities.
"""
