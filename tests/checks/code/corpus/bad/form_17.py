# expect: AS702
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
minority = df[df['y'] == 1]
extra = minority.loc[np.random.choice(minority.index, 500, replace=True)]
df = pd.concat([df, extra], ignore_index=True)
train, test = train_test_split(df, random_state=0)
