import pandas as pd
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import train_test_split

df = pd.read_csv("electricity.csv", parse_dates=["date"])
df = df.sort_values("date")
for lag in (1, 7, 14):
    df[f"lag_{lag}"] = df["demand"].shift(lag)
df = df.dropna()
X = df.drop(columns=["date", "demand"])
y = df["demand"]
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, shuffle=False)
rf = RandomForestRegressor(random_state=42).fit(X_train, y_train)
print(mean_absolute_error(y_test, rf.predict(X_test)))
