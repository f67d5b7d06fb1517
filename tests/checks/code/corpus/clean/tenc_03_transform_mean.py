import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import TargetEncoder

df = pd.read_csv("employees.csv")
X = df.drop(columns=["attrition"])
y = df["attrition"]
encode = make_column_transformer((TargetEncoder(), ["department", "manager"]), remainder="passthrough")
cv = StratifiedKFold(n_splits=5, shuffle=True, random_state=0)
model = make_pipeline(encode, HistGradientBoostingClassifier())
print(cross_val_score(model, X, y, cv=cv, scoring="roc_auc"))
