# expect: AS701
from sklearn import datasets, preprocessing, svm
from sklearn.model_selection import train_test_split

wine = datasets.load_wine()
X_train, X_test, y_train, y_test = train_test_split(
    wine.data, wine.target, test_size=0.25, random_state=1, stratify=wine.target
)
sc = preprocessing.MinMaxScaler()
X_train = sc.fit_transform(X_train)
X_test = sc.fit_transform(X_test)
model = svm.SVC(kernel="rbf", C=10).fit(X_train, y_train)
print(model.score(X_test, y_test))
