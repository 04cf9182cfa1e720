"""What a pipeline makes of the shape of X, step by step."""

from sklstm.explain.pipeline import explain_shapes
from sklstm.explain.report import ShapeReport, StepShapes

__all__ = ["ShapeReport", "StepShapes", "explain_shapes"]
