# expect: AS717
import numpy as np, pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_curve, accuracy_score
from sklearn.model_selection import train_test_split
df = pd.read_csv('d.csv'); X_train, X_test, y_train, y_test = train_test_split(df.drop(columns='y'), df.y, random_state=0)
m = RandomForestClassifier(random_state=0).fit(X_train, y_train); prob = m.predict_proba(X_test)[:, 1]
fpr, tpr, thresholds = roc_curve(y_test, prob)
idx = np.argmax(tpr - fpr); t = thresholds[idx]
print(accuracy_score(y_test, prob >= t))
