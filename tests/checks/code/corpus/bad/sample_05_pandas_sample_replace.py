# expect: AS702
import numpy as np
import pandas as pd
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.model_selection import train_test_split

rng = np.random.RandomState(0)
patients = pd.read_csv("stroke.csv").dropna()
ill = patients[patients["stroke"] == 1]
healthy = patients[patients["stroke"] == 0]
more = ill.sample(n=len(healthy), replace=True, random_state=0)
balanced = pd.concat([healthy, more]).sample(frac=1, random_state=0)
X, y = balanced.drop(columns=["stroke"]), balanced["stroke"]
X_tr, X_te, y_tr, y_te = train_test_split(X, y, random_state=0)
print(GradientBoostingClassifier().fit(X_tr, y_tr).score(X_te, y_te))
