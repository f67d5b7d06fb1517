import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

SEED = 2024
iris = pd.read_csv("iris.csv")
X_train, X_test, y_train, y_test = train_test_split(iris.iloc[:, :4], iris["species"], test_size=0.3, random_state=SEED)
rf = RandomForestClassifier(random_state=SEED)
rf.fit(X_train, y_train)
print(rf.score(X_test, y_test))
