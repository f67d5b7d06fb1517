# expect: AS703
import pandas as pd
from scipy import stats
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import KFold, cross_validate

survey = pd.read_csv("survey.csv")
label = survey["left_company"]
features = survey.drop(columns="left_company")
keep = [c for c in features.columns if abs(features[c].corr(label)) > 0.05]
result = cross_validate(
    LinearDiscriminantAnalysis(), features[keep], label, cv=KFold(10, shuffle=True, random_state=0)
)
print(result["test_score"].mean())
