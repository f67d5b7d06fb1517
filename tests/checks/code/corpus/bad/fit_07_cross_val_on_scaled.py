# expect: AS701
import seaborn as sns
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import PowerTransformer

mpg = sns.load_dataset("mpg").dropna()
X = mpg[["horsepower", "weight", "displacement"]]
y = mpg.mpg
X = PowerTransformer().fit_transform(X)
print(cross_val_score(Ridge(), X, y, cv=5, scoring="r2").mean())
