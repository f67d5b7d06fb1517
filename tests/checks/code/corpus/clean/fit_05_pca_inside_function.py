import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier


def reduce(train, test, n=20):
    pca = PCA(n_components=n, random_state=0)
    return pca.fit_transform(train), pca.transform(test)


def main():
    X, y = load_digits(return_X_y=True)
    scores = []
    for train_idx, test_idx in StratifiedKFold(5, shuffle=True, random_state=0).split(X, y):
        X_train, X_test = reduce(X[train_idx], X[test_idx])
        knn = KNeighborsClassifier(5).fit(X_train, y[train_idx])
        scores.append(knn.score(X_test, y[test_idx]))
    print(np.mean(scores))


if __name__ == "__main__":
    main()
