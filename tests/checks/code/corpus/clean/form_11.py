import numpy as np, pandas as pd
from sklearn.preprocessing import *
from sklearn.model_selection import *
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest, f_classif, chi2, VarianceThreshold
from sklearn.linear_model import LogisticRegression
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline, Pipeline
from sklearn.impute import SimpleImputer
from imblearn.over_sampling import SMOTE, RandomOverSampler
df = pd.read_parquet('raw.parquet')
X, y = df.drop(columns='y'), df['y']
cols = list(X.columns)
from sklearn.utils import resample
from sklearn.metrics import roc_auc_score
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
m = LogisticRegression().fit(X_train, y_train); p = m.predict_proba(X_test)[:, 1]
aucs = []
for i in range(1000):
    yb, pb = resample(y_test, p, random_state=i)
    aucs.append(roc_auc_score(yb, pb))
print(np.percentile(aucs, [2.5, 97.5]))
