"""Converters to ONNX: importing this package registers them with skl2onnx."""

try:
    import onnx  # noqa: F401
    import skl2onnx  # type: ignore[import-untyped]  # noqa: F401
except ImportError as error:
    raise ImportError(
        "Export to ONNX needs the packages onnx and skl2onnx, which are not both "
        "installed. Install them with: pip install 'sklstm[onnx]'"
    ) from error

from sklstm.onnx.models import register_converters

register_converters()
