import pandas as pd
from pathlib import Path
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

DATA = Path(__file__).parent / "data"
df = pd.read_csv(DATA / "train_full.csv")
X_train, X_test, y_train, y_test = train_test_split(df.drop(columns="bad"), df["bad"], random_state=0)
print(LogisticRegression().fit(X_train, y_train).score(X_test, y_test))
