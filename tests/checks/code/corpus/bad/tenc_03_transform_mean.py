# expect: AS705
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_score

df = pd.read_csv("employees.csv")
for col in ("department", "manager"):
    df[col + "_rate"] = df.groupby(col)["attrition"].transform("mean")
X = df.drop(columns=["attrition", "department", "manager"])
y = df["attrition"]
cv = StratifiedKFold(n_splits=5, shuffle=True, random_state=0)
print(cross_val_score(HistGradientBoostingClassifier(), X, y, cv=cv, scoring="roc_auc"))
