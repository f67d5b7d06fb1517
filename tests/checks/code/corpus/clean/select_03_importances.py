import pandas as pd
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

data = pd.read_csv("mobile_price.csv")
X = data.drop("price_range", axis=1)
y = data["price_range"]
choose = SelectFromModel(ExtraTreesClassifier(random_state=0), max_features=8)
print(cross_val_score(make_pipeline(choose, LogisticRegression(max_iter=1000)), X, y, cv=5))
