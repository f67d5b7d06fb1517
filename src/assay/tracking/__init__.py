"""What a run writes and where it is kept: the recorder, the stores behind it, and runs read back.

A recorder is all that the rest of Assay knows of tracking; MLflow is one store among others, and
is imported only by its own adapter.
"""
