# expect: AS704
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

df = pd.read_csv("diabetes.csv")
train, test = train_test_split(df, test_size=0.25, random_state=21)
train = train.fillna(train.mean())
test = test.fillna(test.mean())
rf = RandomForestClassifier(random_state=21)
rf.fit(train.drop(columns="Outcome"), train["Outcome"])
print(rf.score(test.drop(columns="Outcome"), test["Outcome"]))
