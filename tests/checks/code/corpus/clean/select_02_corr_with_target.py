import pandas as pd
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split

df = pd.read_csv("ames.csv")
df = df.select_dtypes(include="number").fillna(0)
train, test = train_test_split(df, test_size=0.2, random_state=0)
corr = train.corr()["SalePrice"].abs()
top = corr[corr > 0.4].index.drop("SalePrice")
rf = RandomForestRegressor(random_state=0).fit(train[top], train["SalePrice"])
print(r2_score(test["SalePrice"], rf.predict(test[top])))
