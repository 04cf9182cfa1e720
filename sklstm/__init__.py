"""Bidirectional LSTMs as scikit-learn estimators."""
