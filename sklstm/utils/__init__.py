"""Tools for those who write sequence estimators of their own."""
