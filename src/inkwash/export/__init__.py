"""Export of models: ONNX, a page that samples in the browser, a pipeline of diffusers."""
