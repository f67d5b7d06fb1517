# expect: AS717
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Lasso
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split

X, y = load_diabetes(return_X_y=True)
X_tr, X_test, y_tr, y_test = train_test_split(X, y, random_state=0)
alphas = np.logspace(-4, 0, 30)
errors = []
for a in alphas:
    lasso = Lasso(alpha=a).fit(X_tr, y_tr)
    errors.append(mean_squared_error(y_test, lasso.predict(X_test)))
best_alpha = alphas[np.argmin(errors)]
print("best alpha:", best_alpha, "MSE:", min(errors))
