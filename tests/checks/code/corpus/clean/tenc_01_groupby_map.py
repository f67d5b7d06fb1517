import pandas as pd
from lightgbm import LGBMRegressor
from sklearn.model_selection import train_test_split

rides = pd.read_parquet("rides.parquet")
rides["zone_count"] = rides.groupby("zone")["distance"].transform("count")
train, test = train_test_split(rides, random_state=8)
means = train.groupby("zone")["fare"].mean()
train = train.assign(zone_fare=train["zone"].map(means))
test = test.assign(zone_fare=test["zone"].map(means))
X_train, y_train = train.drop(columns=["fare", "zone"]), train["fare"]
X_test, y_test = test.drop(columns=["fare", "zone"]), test["fare"]
print(LGBMRegressor(random_state=8).fit(X_train, y_train).score(X_test, y_test))
