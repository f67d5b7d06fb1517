# expect: AS712
import pandas as pd
import xgboost as xgb
from sklearn.model_selection import train_test_split

load = pd.read_csv("pjm_hourly.csv", index_col="Datetime", parse_dates=True)
load["hour"] = load.index.hour
load["dayofweek"] = load.index.dayofweek
load["lag24"] = load["MW"].shift(24)
X, y = load[["hour", "dayofweek", "lag24"]], load["MW"]
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, shuffle=True, random_state=1)
reg = xgb.XGBRegressor(n_estimators=200, random_state=1)
reg.fit(X_train, y_train)
print(reg.score(X_test, y_test))
