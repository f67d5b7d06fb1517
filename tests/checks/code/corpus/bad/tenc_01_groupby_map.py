# expect: AS705
import pandas as pd
from lightgbm import LGBMRegressor
from sklearn.model_selection import train_test_split

rides = pd.read_parquet("rides.parquet")
means = rides.groupby("zone")["fare"].mean()
rides["zone_fare"] = rides["zone"].map(means)
X = rides.drop(columns=["fare", "zone"])
y = rides["fare"]
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=8)
print(LGBMRegressor(random_state=8).fit(X_train, y_train).score(X_test, y_test))
