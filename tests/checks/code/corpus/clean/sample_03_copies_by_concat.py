import pandas as pd
import xgboost as xgb
from sklearn.model_selection import train_test_split

data = pd.read_excel("claims.xlsx")
train, valid = train_test_split(data, test_size=0.25, random_state=9)
fraud = train.loc[train["fraud"] == 1]
train = pd.concat([train, fraud, fraud, fraud], ignore_index=True)
model = xgb.XGBClassifier(random_state=9)
model.fit(train.drop(columns="fraud"), train["fraud"])
print(model.score(valid.drop(columns="fraud"), valid["fraud"]))
