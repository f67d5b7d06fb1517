# expect: AS705
import pandas as pd
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split

sales = pd.read_csv("stores.csv")
target = "units"
per_store = sales.groupby("store")[target].agg(["mean", "std"]).reset_index()
sales = sales.merge(per_store, on="store", how="left")
train, test = train_test_split(sales, test_size=0.2, random_state=17)
features = [c for c in sales.columns if c != target]
rf = RandomForestRegressor(random_state=17).fit(train[features], train[target])
print(mean_squared_error(test[target], rf.predict(test[features])))
