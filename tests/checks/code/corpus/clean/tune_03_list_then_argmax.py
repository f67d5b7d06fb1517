import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Lasso
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split

X, y = load_diabetes(return_X_y=True)
X_dev, X_test, y_dev, y_test = train_test_split(X, y, random_state=0)
X_tr, X_val, y_tr, y_val = train_test_split(X_dev, y_dev, random_state=0)
alphas = np.logspace(-4, 0, 30)
errors = []
for a in alphas:
    lasso = Lasso(alpha=a).fit(X_tr, y_tr)
    errors.append(mean_squared_error(y_val, lasso.predict(X_val)))
best_alpha = alphas[np.argmin(errors)]
print("MSE:", mean_squared_error(y_test, Lasso(alpha=best_alpha).fit(X_dev, y_dev).predict(X_test)))
