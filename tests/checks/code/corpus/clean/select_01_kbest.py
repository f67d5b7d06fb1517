import numpy as np
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline

genes = np.load("expression.npz")
X, y = genes["X"], genes["y"]
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=5)
knn = Pipeline([("best", SelectKBest(score_func=f_classif, k=50)), ("knn", KNeighborsClassifier(n_neighbors=3))])
knn.fit(X_train, y_train)
print("test accuracy", knn.score(X_test, y_test))
