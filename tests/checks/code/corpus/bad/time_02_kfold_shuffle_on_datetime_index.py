# expect: AS712
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_val_score

prices = pd.read_csv("spot.csv")
prices["timestamp"] = pd.to_datetime(prices["timestamp"])
prices = prices.set_index("timestamp").sort_index()
prices["ma_24"] = prices["price"].rolling(24).mean().shift(1)
prices["next"] = prices["price"].shift(-1)
prices = prices.dropna()
cv = KFold(n_splits=5, shuffle=True, random_state=0)
print(cross_val_score(Ridge(), prices[["price", "ma_24"]], prices["next"], cv=cv).mean())
