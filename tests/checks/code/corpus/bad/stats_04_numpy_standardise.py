# expect: AS704
import numpy as np
from sklearn.datasets import fetch_california_housing
from sklearn.linear_model import SGDRegressor
from sklearn.model_selection import train_test_split

X, y = fetch_california_housing(return_X_y=True)
mu = np.mean(X, axis=0)
sigma = np.std(X, axis=0)
X = (X - mu) / sigma
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=0)
reg = SGDRegressor(random_state=0).fit(X_train, y_train)
print(reg.score(X_test, y_test))
