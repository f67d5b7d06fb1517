import numpy as np, pandas as pd
from sklearn.model_selection import KFold
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR
df = pd.read_csv('x.csv'); X, y = df.drop(columns='y').values, df['y'].values
errs = []
for train_index, test_index in KFold(5, shuffle=True, random_state=0).split(X):
    sc = StandardScaler()
    X_train = sc.fit_transform(X[train_index]); X_test = sc.transform(X[test_index])
    ysc = StandardScaler(); yt = ysc.fit_transform(y[train_index].reshape(-1, 1)).ravel()
    p = ysc.inverse_transform(SVR().fit(X_train, yt).predict(X_test).reshape(-1, 1)).ravel()
    errs.append(np.sqrt(((p - y[test_index]) ** 2).mean()))
print(np.mean(errs), np.min(errs), np.max(errs))
