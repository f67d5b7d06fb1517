import pandas as pd
from scipy import stats
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import KFold

survey = pd.read_csv("survey.csv")
label = survey["left_company"]
features = survey.drop(columns="left_company")
scores = []
for train, test in KFold(10, shuffle=True, random_state=0).split(features):
    known, answers = features.iloc[train], label.iloc[train]
    keep = [c for c in known.columns if abs(known[c].corr(answers)) > 0.05]
    lda = LinearDiscriminantAnalysis().fit(known[keep], answers)
    scores.append(lda.score(features.iloc[test][keep], label.iloc[test]))
print(sum(scores) / len(scores))
