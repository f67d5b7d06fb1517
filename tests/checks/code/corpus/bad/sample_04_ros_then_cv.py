# expect: AS702
from collections import Counter

from imblearn.over_sampling import RandomOverSampler
from sklearn.datasets import make_classification
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.tree import DecisionTreeClassifier

X, y = make_classification(n_samples=10000, weights=[0.99], flip_y=0, random_state=1)
print(Counter(y))
oversample = RandomOverSampler(sampling_strategy="minority", random_state=1)
X_over, y_over = oversample.fit_resample(X, y)
cv = RepeatedStratifiedKFold(n_splits=10, n_repeats=3, random_state=1)
scores = cross_val_score(DecisionTreeClassifier(), X_over, y_over, scoring="f1_micro", cv=cv)
print(scores.mean())
