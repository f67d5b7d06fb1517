# expect: AS701
import polars as pl
from lightgbm import LGBMClassifier
from sklearn.impute import KNNImputer
from sklearn.model_selection import train_test_split

frame = pl.read_csv("loans.csv").to_pandas()
target = frame["default"]
inputs = frame.drop(columns=["default", "loan_id"])
x_tr, x_te, y_tr, y_te = train_test_split(inputs, target, stratify=target, random_state=3)
imputer = KNNImputer(n_neighbors=5)
imputer.fit(inputs)
x_tr = imputer.transform(x_tr)
x_te = imputer.transform(x_te)
gbm = LGBMClassifier(random_state=3).fit(x_tr, y_tr)
print(gbm.score(x_te, y_te))
