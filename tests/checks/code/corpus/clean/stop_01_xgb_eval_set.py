import xgboost as xgb
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=7)
X_fit, X_stop, y_fit, y_stop = train_test_split(X_train, y_train, test_size=0.2, random_state=7)
model = xgb.XGBClassifier(n_estimators=1000, early_stopping_rounds=20, random_state=7)
model.fit(X_fit, y_fit, eval_set=[(X_stop, y_stop)], verbose=False)
print("AUC", roc_auc_score(y_test, model.predict_proba(X_test)[:, 1]))
