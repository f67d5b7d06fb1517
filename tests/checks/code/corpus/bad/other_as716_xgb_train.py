# expect: AS716
import xgboost as xgb, pandas as pd
from sklearn.model_selection import train_test_split
from sklearn.metrics import roc_auc_score
df = pd.read_csv('d.csv'); X_train, X_test, y_train, y_test = train_test_split(df.drop(columns='y'), df.y, random_state=0)
dtrain = xgb.DMatrix(X_train, label=y_train); dtest = xgb.DMatrix(X_test, label=y_test)
b = xgb.train({'seed': 0}, dtrain, 1000, evals=[(dtrain, 'train'), (dtest, 'eval')], early_stopping_rounds=20)
print(roc_auc_score(y_test, b.predict(dtest)))
