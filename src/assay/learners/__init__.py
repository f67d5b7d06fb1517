"""Learners: recipes that fit a model to one part of the data and know nothing of folds or files.

`protocol` says what a learner is; `adapt` turns an estimator, an import path or a name into one.
No evaluation, no tracking store and no experiment file is known here.
"""
