import pandas as pd
import xgboost as xgb

load = pd.read_csv("pjm_hourly.csv", index_col="Datetime", parse_dates=True)
load["hour"] = load.index.hour
load["dayofweek"] = load.index.dayofweek
load["lag24"] = load["MW"].shift(24)
train = load.loc[load.index < "2017-01-01"]
test = load.loc[load.index >= "2017-01-01"]
features = ["hour", "dayofweek", "lag24"]
reg = xgb.XGBRegressor(n_estimators=200, random_state=1)
reg.fit(train[features], train["MW"])
print(reg.score(test[features], test["MW"]))
