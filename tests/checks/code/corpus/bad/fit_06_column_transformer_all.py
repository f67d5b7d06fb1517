# expect: AS701
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

housing = pd.read_csv("data/housing.csv")
y = housing.pop("median_house_value")
num = housing.select_dtypes("number").columns
cat = ["ocean_proximity"]
numeric = Pipeline([("imputer", SimpleImputer(strategy="median")), ("std", StandardScaler())])
full_pipeline = ColumnTransformer([("num", numeric, num), ("cat", OneHotEncoder(), cat)])
prepared = full_pipeline.fit_transform(housing)
X_train, X_valid, y_train, y_valid = train_test_split(prepared, y, random_state=0)
forest = RandomForestRegressor(random_state=0)
forest.fit(X_train, y_train)
print(mean_absolute_error(y_valid, forest.predict(X_valid)))
