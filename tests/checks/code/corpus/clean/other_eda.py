import pandas as pd, seaborn as sns, matplotlib.pyplot as plt
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.linear_model import Ridge
df = pd.read_csv('m.csv'); corr = df.corr(); sns.heatmap(corr)
z = (df - df.mean()) / df.std(); z.plot(kind='box'); plt.show()
top = corr['y'].nlargest(5).index; sns.pairplot(df[top])
X_train, X_test, y_train, y_test = train_test_split(df.drop('y', axis=1), df['y'], random_state=0)
print(make_pipeline(StandardScaler(), Ridge()).fit(X_train, y_train).score(X_test, y_test))
