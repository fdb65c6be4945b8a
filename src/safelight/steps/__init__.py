"""The steps of a rendition: plain functions (image, options) -> image, each beside its options."""
