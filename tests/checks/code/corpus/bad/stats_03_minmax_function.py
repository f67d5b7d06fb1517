# expect: AS704
import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier


def normalize(frame):
    result = frame.copy()
    for name in frame.columns:
        high = frame[name].max()
        low = frame[name].min()
        result[name] = (frame[name] - low) / (high - low)
    return result


banknotes = pd.read_csv("banknote.csv")
labels = banknotes["class"]
inputs = normalize(banknotes.drop(columns=["class"]))
X_train, X_test, y_train, y_test = train_test_split(inputs, labels, random_state=11)
mlp = MLPClassifier(random_state=11).fit(X_train, y_train)
print(np.round(mlp.score(X_test, y_test), 3))
