# expect: AS715
import pandas as pd
from sklearn.ensemble import RandomForestClassifier

df = pd.read_csv("wine.csv")
X = df.drop(columns="quality")
y = df["quality"]
model = RandomForestClassifier(n_estimators=300, random_state=0)
model.fit(X, y)
print(f"Accuracy of the model: {model.score(X, y):.3f}")
