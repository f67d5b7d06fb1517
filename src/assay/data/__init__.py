"""Tables, and which rows of them may be seen: reading, kinds, fingerprints, splits, the vault.

Nothing here fits a model or computes a metric. The splitter is the only code of Assay that reads
the targets of test rows (law 1); it hands them to the vault and to nobody else.
"""
