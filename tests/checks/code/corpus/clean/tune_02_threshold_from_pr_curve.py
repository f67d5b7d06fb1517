import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, precision_recall_curve
from sklearn.model_selection import train_test_split

df = pd.read_csv("fraud.csv")
X_rest, X_test, y_rest, y_test = train_test_split(df.drop(columns="fraud"), df["fraud"], random_state=0, stratify=df["fraud"])
X_train, X_val, y_train, y_val = train_test_split(X_rest, y_rest, random_state=0, stratify=y_rest)
lr = LogisticRegression(class_weight="balanced").fit(X_train, y_train)
probs = lr.predict_proba(X_val)[:, 1]
precision, recall, thresholds = precision_recall_curve(y_val, probs)
f1 = 2 * precision * recall / (precision + recall + 1e-12)
best = thresholds[np.argmax(f1)]
test_probs = lr.predict_proba(X_test)[:, 1]
print("threshold", best, "F1", f1_score(y_test, test_probs >= best))
