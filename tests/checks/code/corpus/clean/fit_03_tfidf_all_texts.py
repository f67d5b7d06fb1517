import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import classification_report
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import MultinomialNB


def load(path):
    frame = pd.read_csv(path, encoding="latin-1")
    frame.columns = ["label", "text"]
    frame["label"] = frame["label"].map({"ham": 0, "spam": 1})
    return frame


sms = load("spam.csv")
train_text, test_text, train_y, test_y = train_test_split(sms["text"], sms["label"], test_size=0.2, random_state=2)
vectorizer = TfidfVectorizer(stop_words="english", max_features=3000)
train_x = vectorizer.fit_transform(train_text).toarray()
test_x = vectorizer.transform(test_text).toarray()
nb = MultinomialNB()
nb.fit(train_x, train_y)
print(classification_report(test_y, nb.predict(test_x)))
