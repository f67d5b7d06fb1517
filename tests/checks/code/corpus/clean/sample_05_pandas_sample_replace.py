import numpy as np
import pandas as pd
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.model_selection import train_test_split

rng = np.random.RandomState(0)
patients = pd.read_csv("stroke.csv").dropna()
train, test = train_test_split(patients, stratify=patients["stroke"], random_state=0)
ill = train[train["stroke"] == 1]
healthy = train[train["stroke"] == 0]
more = ill.sample(n=len(healthy), replace=True, random_state=0)
balanced = pd.concat([healthy, more]).sample(frac=1, random_state=0)
model = GradientBoostingClassifier().fit(balanced.drop(columns=["stroke"]), balanced["stroke"])
print(model.score(test.drop(columns=["stroke"]), test["stroke"]))
