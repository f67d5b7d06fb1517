# expect: AS715
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import classification_report
import pandas as pd
df = pd.read_csv('d.csv'); X = df.iloc[:, :-1]; y = df.iloc[:, -1]
clf = LogisticRegression(); clf.fit(X, y); y_pred = clf.predict(X)
print(classification_report(y, y_pred))
