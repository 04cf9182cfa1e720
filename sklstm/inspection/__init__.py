"""What an estimator looks at, and what a pipeline makes of the shape of X."""

from sklstm.inspection.explain_shapes import ShapeReport, StepShapes, explain_shapes
from sklstm.inspection.occlusion import occlusion_importance
from sklstm.inspection.permutation import timestep_importance

__all__ = [
    "ShapeReport",
    "StepShapes",
    "explain_shapes",
    "occlusion_importance",
    "timestep_importance",
]
