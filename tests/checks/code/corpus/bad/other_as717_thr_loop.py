# expect: AS717
import numpy as np, pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split
df = pd.read_csv('d.csv'); X_train, X_test, y_train, y_test = train_test_split(df.drop(columns='y'), df.y, random_state=0)
p = LogisticRegression().fit(X_train, y_train).predict_proba(X_test)[:, 1]
ths = np.arange(0, 1, .01); f1s = [f1_score(y_test, p > t) for t in ths]
print('best F1', max(f1s), 'at', ths[np.argmax(f1s)])
