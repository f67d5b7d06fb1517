# expect: AS702
import pandas as pd
import xgboost as xgb
from sklearn.model_selection import train_test_split

data = pd.read_excel("claims.xlsx")
fraud = data.loc[data["fraud"] == 1]
data = pd.concat([data, fraud, fraud, fraud], ignore_index=True)
train, valid = train_test_split(data, test_size=0.25, random_state=9)
model = xgb.XGBClassifier(random_state=9)
model.fit(train.drop(columns="fraud"), train["fraud"])
print(model.score(valid.drop(columns="fraud"), valid["fraud"]))
