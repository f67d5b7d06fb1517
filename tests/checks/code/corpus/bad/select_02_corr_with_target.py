# expect: AS703
import pandas as pd
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split

df = pd.read_csv("ames.csv")
df = df.select_dtypes(include="number").fillna(0)
corr = df.corr()["SalePrice"].abs()
top = corr[corr > 0.4].index.drop("SalePrice")
X = df[top]
y = df["SalePrice"]
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=0)
rf = RandomForestRegressor(random_state=0).fit(X_train, y_train)
print(r2_score(y_test, rf.predict(X_test)))
