from sklearn.datasets import load_iris
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.neighbors import KNeighborsClassifier

X, y = load_iris(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
best_score, best_k = 0, None
for k in range(1, 30):
    knn = KNeighborsClassifier(n_neighbors=k)
    score = cross_val_score(knn, X_train, y_train, cv=5).mean()
    if score > best_score:
        best_score, best_k = score, k
knn = KNeighborsClassifier(n_neighbors=best_k).fit(X_train, y_train)
print("best k", best_k, "accuracy", knn.score(X_test, y_test))
