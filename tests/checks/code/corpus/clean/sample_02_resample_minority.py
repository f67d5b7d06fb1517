import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split
from sklearn.utils import resample

df = pd.read_csv("churn.csv")
train, test = train_test_split(df, test_size=0.2, random_state=1, stratify=df.churn)
majority = train[train.churn == 0]
minority = train[train.churn == 1]
# Upsample minority class, in training rows only
minority_upsampled = resample(minority, replace=True, n_samples=len(majority), random_state=123)
train = pd.concat([majority, minority_upsampled])
clf = LogisticRegression(max_iter=500).fit(train.drop("churn", axis=1), train.churn)
print(f1_score(test.churn, clf.predict(test.drop("churn", axis=1))))
