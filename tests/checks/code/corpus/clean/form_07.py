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
tr, te = next(GroupShuffleSplit(1, random_state=0).split(X, y, groups=df.g))
sc = StandardScaler().fit(X.iloc[tr])
m = LogisticRegression().fit(sc.transform(X.iloc[tr]), y.iloc[tr]); print(m.score(sc.transform(X.iloc[te]), y.iloc[te]))
