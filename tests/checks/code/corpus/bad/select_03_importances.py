# expect: AS703
import pandas as pd
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

data = pd.read_csv("mobile_price.csv")
X = data.drop("price_range", axis=1)
y = data["price_range"]
forest = ExtraTreesClassifier(random_state=0)
forest.fit(X, y)
importances = pd.Series(forest.feature_importances_, index=X.columns)
best = importances.nlargest(8).index
print(cross_val_score(LogisticRegression(max_iter=1000), X[best], y, cv=5))
