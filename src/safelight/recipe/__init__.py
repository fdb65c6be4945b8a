"""What should happen to uploads: the model of `safelight.yaml`, its parser and its checks."""
