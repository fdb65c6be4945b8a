"""The demonstration: scenes that are drawn, and a service that develops them."""
