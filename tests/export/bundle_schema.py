"""What MONAI's schema of 2024-07-25 asks of a bundle's ``metadata.json``, so that it is checked without a network."""

TENSOR = {
    "type": "object",
    "required": ["type", "format", "num_channels", "spatial_shape", "dtype", "value_range"],
    "properties": {
        **{name: {"type": "string"} for name in ("type", "format", "dtype")},
        "num_channels": {"type": "integer"},
        "spatial_shape": {"type": "array", "items": {"type": ["string", "integer"]}},
        "value_range": {"type": "array", "items": {"type": "number"}},
        "is_patch_data": {"type": "boolean"},
        "channel_def": {"type": "object"},
    },
}
TENSORS = {"type": "object", "additionalProperties": TENSOR}
TEXTS = ("schema", "version", "monai_version", "pytorch_version", "numpy_version")
WORDS = ("task", "description", "authors", "copyright")
SCHEMA = {
    "type": "object",
    "required": [*TEXTS, "required_packages_version", *WORDS, "network_data_format"],
    "properties": {
        **{name: {"type": "string"} for name in (*TEXTS, *WORDS, "intended_use")},
        **{name: {"type": "object"} for name in ("required_packages_version", "changelog")},
        "network_data_format": {
            "type": "object",
            "required": ["inputs", "outputs"],
            "properties": {"inputs": TENSORS, "outputs": TENSORS},
        },
    },
}
