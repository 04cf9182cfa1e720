"""What a fitted estimator looks at: which timesteps, which features."""

from sklstm.inspection.occlusion import occlusion_importance
from sklstm.inspection.permutation import timestep_importance

__all__ = ["occlusion_importance", "timestep_importance"]
