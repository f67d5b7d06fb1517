import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score

df = pd.read_csv("wine.csv")
X = df.drop(columns="quality")
y = df["quality"]
model = RandomForestClassifier(n_estimators=300, random_state=0)
print(f"Accuracy of the model: {cross_val_score(model, X, y, cv=10).mean():.3f}")
model.fit(X, y)
print(f"on training rows: {model.score(X, y):.3f}")
