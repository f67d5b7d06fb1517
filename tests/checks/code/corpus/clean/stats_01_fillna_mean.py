import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

titanic = pd.read_csv("titanic.csv")
titanic["Cabin"] = titanic["Cabin"].fillna("unknown")
X = titanic[["Pclass", "Age", "Fare"]]
y = titanic["Survived"]
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=0)
medians = X_train.median()
X_train = X_train.fillna(medians)
X_test = X_test.fillna(medians)
model = LogisticRegression().fit(X_train, y_train)
print(model.score(X_test, y_test))
