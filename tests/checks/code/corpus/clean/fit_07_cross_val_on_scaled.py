import seaborn as sns
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer

mpg = sns.load_dataset("mpg").dropna()
X = mpg[["horsepower", "weight", "displacement"]]
y = mpg.mpg
print(cross_val_score(make_pipeline(PowerTransformer(), Ridge()), X, y, cv=5, scoring="r2").mean())
