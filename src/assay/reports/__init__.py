"""Pages that show what they are handed: the HTML report and its figures.

Nothing is measured or decided here.
"""
