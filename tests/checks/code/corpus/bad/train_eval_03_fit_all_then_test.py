# expect: AS715
import pandas as pd
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsRegressor

flats = pd.read_csv("flats.csv")
X, y = flats[["area", "rooms", "floor"]], flats["rent"]
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=6)
knn = KNeighborsRegressor(n_neighbors=3)
knn.fit(X, y)
print("MSE", mean_squared_error(y_test, knn.predict(X_test)))
