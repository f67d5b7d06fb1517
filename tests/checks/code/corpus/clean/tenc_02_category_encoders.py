import category_encoders as ce
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

ads = pd.read_csv("clicks.csv")
y = ads["clicked"]
X = ads.drop("clicked", axis=1)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=1)
encoder = ce.TargetEncoder(cols=["site", "device", "advertiser"])
X_train = encoder.fit_transform(X_train, y_train)
X_test = encoder.transform(X_test)
lr = LogisticRegression(max_iter=1000).fit(X_train, y_train)
print(roc_auc_score(y_test, lr.predict_proba(X_test)[:, 1]))
