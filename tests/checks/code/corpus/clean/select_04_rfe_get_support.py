import pandas as pd
from sklearn.feature_selection import RFE
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import train_test_split

cars = pd.read_csv("CarPrice.csv")
y = cars.pop("price")
X = pd.get_dummies(cars, drop_first=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, train_size=0.7, random_state=100)
rfe = RFE(LinearRegression(), n_features_to_select=10)
rfe = rfe.fit(X_train, y_train)
cols = X_train.columns[rfe.support_]
lm = LinearRegression().fit(X_train[cols], y_train)
print(lm.score(X_test[cols], y_test))
