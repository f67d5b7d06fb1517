import pandas as pd
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split

sales = pd.read_csv("stores.csv")
target = "units"
train, test = train_test_split(sales, test_size=0.2, random_state=17)
per_store = train.groupby("store")[target].agg(["mean", "std"]).reset_index()
train = train.merge(per_store, on="store", how="left")
test = test.merge(per_store, on="store", how="left")
features = [c for c in train.columns if c != target]
rf = RandomForestRegressor(random_state=17).fit(train[features], train[target])
print(mean_squared_error(test[target], rf.predict(test[features])))
