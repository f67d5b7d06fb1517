# expect: AS716
import lightgbm as lgb
import pandas as pd
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

data = pd.read_csv("orders.csv")
train, test = train_test_split(data, test_size=0.2, random_state=10)
feats = [c for c in data.columns if c != "late"]
dtrain = lgb.Dataset(train[feats], label=train["late"])
dtest = lgb.Dataset(test[feats], label=test["late"], reference=dtrain)
booster = lgb.train(
    {"objective": "binary", "seed": 10}, dtrain, num_boost_round=2000, valid_sets=[dtest],
    callbacks=[lgb.early_stopping(50)],
)
print(log_loss(test["late"], booster.predict(test[feats])))
