"""Models for other programs: ONNX, a page that draws in the browser, a pipeline folder."""
