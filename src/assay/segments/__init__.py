"""How good a model is on parts of the rows: those that are declared, and weak ones that are found.

Here lives what is measured of held-out rows by segment. Nothing is fitted, and nothing shown.
"""
