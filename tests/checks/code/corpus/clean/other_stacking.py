import numpy as np, pandas as pd
from sklearn.model_selection import train_test_split, cross_val_predict
from sklearn.linear_model import LogisticRegression
from sklearn.ensemble import RandomForestClassifier
df = pd.read_csv('m.csv'); X_train, X_test, y_train, y_test = train_test_split(df.drop('y', axis=1), df.y, random_state=0)
rf = RandomForestClassifier(random_state=0)
meta_train = cross_val_predict(rf, X_train, y_train, method='predict_proba')
rf.fit(X_train, y_train); meta_test = rf.predict_proba(X_test)
print(LogisticRegression().fit(meta_train, y_train).score(meta_test, y_test))
