"""
==============================
Where may a word be broken up?
==============================

A label at every letter, which depends on the letters before it and behind it.
"""

# %%
# The data
# --------
# 4,751 Czech words of the package Faker, and where the patterns of the package Pyphen,
# which are those of LibreOffice, break them up. The label of a letter is 1 if a hyphen
# may stand behind it.
import matplotlib.pyplot as plt
import numpy as np
from faker.providers.lorem.cs_CZ import Provider
from pyphen import Pyphen
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklstm import BiLSTMTimestepClassifier, SequenceTokenizer

EVERY = 1  # a larger number takes fewer words
words = sorted({word for word in Provider.word_list if word.isalpha()})
words = [word for word in words if len(word) > 3][::EVERY]
patterns = Pyphen(lang="cs_CZ")
X = [list(word) for word in words]
y = [
    np.isin(np.arange(len(word)) + 1, patterns.positions(word)).astype(int)
    for word in words
]
X, X_test, y, y_test = train_test_split(X, y, test_size=0.3, random_state=0)
print(f"{len(words)} words, such as {', '.join(map(patterns.inserted, words[::1000]))}")


def report(name, predicted):
    """How many hyphens are found, and how many words have all of them right."""
    right = [
        np.array_equal(row, true) for row, true in zip(predicted, y_test, strict=True)
    ]
    f1 = f1_score(np.concatenate(y_test), np.concatenate(list(predicted)))
    print(f"{name}: F1 of the hyphens {f1:.3f}, whole words {np.mean(right):.3f}")
    return np.mean(right)


# %%
# Forwards, backwards, both ways
# ------------------------------
# Whether a word may be broken up behind a letter depends on what follows: reading
# forwards, the network has to decide before it has seen that. Backwards it has seen
# only that. The words are lists of letters, so that each letter stays a timestep.
EPOCHS = 20
shares = {}
taggers = {}
for direction in ("forward", "backward", "bidirectional"):
    taggers[direction] = make_pipeline(
        SequenceTokenizer(),
        BiLSTMTimestepClassifier(
            units=48,
            direction=direction,
            categorical_features=[0],
            epochs=EPOCHS,
            random_state=0,
        ),
    ).fit(X, y)
    shares[direction] = report(direction, taggers[direction].predict(X_test))

# %%
# Counts of letters
# -----------------
# Without a network somebody has to say which letters around a place count, here four in
# front of it and three behind. TfidfVectorizer counts one, two and three of them in a
# row.


def around(words):
    """The letters around every place of every word."""
    return [
        f"{''.join(word[max(0, k - 3) : k + 1])}|{''.join(word[k + 1 : k + 4])}"
        for word in words
        for k in range(len(word))
    ]


ngrams = make_pipeline(
    TfidfVectorizer(analyzer="char", ngram_range=(1, 3)),
    LogisticRegression(C=10, max_iter=1000),
)
ngrams.fit(around(X), np.concatenate(y))
ends = np.cumsum([len(word) for word in X_test])[:-1]
by_word = np.split(ngrams.predict(around(X_test)), ends)
shares["counts of letters"] = report("counts of letters", by_word)

# %%
# The picture
# -----------
# Above, the share of test words that have every hyphen right. Below, the longest of
# them and the probability of a hyphen behind each letter.
shown = max(X_test, key=len)
figure, axes = plt.subplots(2, 1, figsize=(8, 6), layout="constrained")
axes[0].barh(list(shares), list(shares.values()), color="C0")
axes[0].set(xlabel="whole words right", xlim=(0, 1))
axes[0].invert_yaxis()
for k, (direction, tagger) in enumerate(taggers.items()):
    proba = tagger.predict_proba([shown])[0][:, 1]
    places = np.arange(len(shown)) + 0.27 * (k - 1)
    axes[1].bar(places, proba, width=0.25, label=direction)
for place in patterns.positions("".join(shown)):
    axes[1].axvline(place - 0.5, color="0.5", linestyle="--", zorder=0)
axes[1].set(ylabel="probability of a hyphen behind", ylim=(0, 1))
axes[1].set_xticks(range(len(shown)), shown)
axes[1].legend(
    title="dashed: where it may stand",
    loc="lower center",
    bbox_to_anchor=(0.5, 1),
    ncols=3,
)
plt.show()
