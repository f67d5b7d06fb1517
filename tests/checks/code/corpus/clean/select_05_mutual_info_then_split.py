import numpy as np
import pandas as pd
from sklearn.feature_selection import mutual_info_classif
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB

table = pd.read_csv("wdbc.csv", index_col="id")
y = (table["diagnosis"] == "M").astype(int)
X = table.drop(columns="diagnosis")
train_X, test_X, train_y, test_y = train_test_split(X, y, random_state=0)
mi = mutual_info_classif(train_X, train_y, random_state=0)
order = np.argsort(mi)[::-1][:10]
nb = GaussianNB().fit(train_X.iloc[:, order], train_y)
print(nb.score(test_X.iloc[:, order], test_y))
