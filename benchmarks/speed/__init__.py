"""Speed of training, sampling and start-up beside the machine's convolution peak and diffusers: docs/speed.md."""
