"""Pictures, in scikit-learn's Display convention; they need matplotlib."""

from sklstm.displays.history import HistoryDisplay
from sklstm.displays.importance import TimestepImportanceDisplay
from sklstm.displays.intervals import IntervalDisplay
from sklstm.displays.merge_modes import MergeModeDisplay
from sklstm.displays.timesteps import TimestepDisplay
from sklstm.displays.window import WindowDisplay

__all__ = [
    "HistoryDisplay",
    "IntervalDisplay",
    "MergeModeDisplay",
    "TimestepDisplay",
    "TimestepImportanceDisplay",
    "WindowDisplay",
]
