# expect: AS716
from catboost import CatBoostClassifier
from sklearn.model_selection import train_test_split
import pandas as pd
df = pd.read_csv('d.csv'); X_train, X_test, y_train, y_test = train_test_split(df.drop(columns='y'), df.y, random_state=0)
m = CatBoostClassifier(iterations=2000, early_stopping_rounds=50, random_seed=0)
m.fit(X_train, y_train, eval_set=(X_test, y_test)); print(m.score(X_test, y_test))
