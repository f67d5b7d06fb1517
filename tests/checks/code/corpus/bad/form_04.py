# expect: AS701
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
pipe = Pipeline([('s', StandardScaler()), ('p', PCA(5))])
pipe.fit(X)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
A, B = pipe.transform(X_train), pipe.transform(X_test)
