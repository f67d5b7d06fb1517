# expect: AS701
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier


def reduce(features, n=20):
    pca = PCA(n_components=n, random_state=0)
    return pca.fit_transform(features)


def main():
    X, y = load_digits(return_X_y=True)
    X = reduce(X)
    scores = []
    for train_idx, test_idx in StratifiedKFold(5, shuffle=True, random_state=0).split(X, y):
        knn = KNeighborsClassifier(5).fit(X[train_idx], y[train_idx])
        scores.append(knn.score(X[test_idx], y[test_idx]))
    print(np.mean(scores))


if __name__ == "__main__":
    main()
