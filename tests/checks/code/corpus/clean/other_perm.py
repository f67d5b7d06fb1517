import pandas as pd
from sklearn.inspection import permutation_importance
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import train_test_split
df = pd.read_csv('m.csv'); X, y = df.drop('y', axis=1), df['y']
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
rf = RandomForestRegressor(random_state=0).fit(X_train, y_train); print(rf.score(X_test, y_test))
imp = permutation_importance(rf, X_test, y_test, random_state=0)
order = imp.importances_mean.argsort()[::-1]
for i in order: print(X_test.columns[i], imp.importances_mean[i])
import shap; top = X_test.columns[order[:5]]; print(X_test[top].describe())
