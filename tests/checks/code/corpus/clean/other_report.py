import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split, cross_val_score
from sklearn.metrics import *
df = pd.read_csv('m.csv')
X_train, X_test, y_train, y_test = train_test_split(df.drop('y', axis=1), df.y, random_state=0)
results = {}
for name, model in [('lr', LogisticRegression()), ('l1', LogisticRegression(C=.1))]:
    cv = cross_val_score(model, X_train, y_train).mean()
    model.fit(X_train, y_train)
    results[name] = {'cv': cv, 'test': model.score(X_test, y_test)}
best = max(results, key=lambda n: results[n]['cv'])
fpr, tpr, thr = roc_curve(y_test, model.predict_proba(X_test)[:, 1])
print(best, results[best]['test'], auc(fpr, tpr))
