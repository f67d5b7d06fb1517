# expect: AS702
import argparse

import pandas as pd
from imblearn import over_sampling
from sklearn import metrics, model_selection
from sklearn.svm import SVC


def balance(features, labels, seed):
    sampler = over_sampling.ADASYN(random_state=seed)
    return sampler.fit_resample(features, labels)


def run(args):
    table = pd.read_csv(args.csv)
    labels = table.pop(args.target)
    features, labels = balance(table, labels, args.seed)
    parts = model_selection.train_test_split(features, labels, test_size=0.2, random_state=args.seed)
    x_train, x_test, y_train, y_test = parts
    svc = SVC(probability=True).fit(x_train, y_train)
    print(metrics.average_precision_score(y_test, svc.predict_proba(x_test)[:, 1]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("csv")
    parser.add_argument("--target", default="y")
    parser.add_argument("--seed", type=int, default=0)
    run(parser.parse_args())
