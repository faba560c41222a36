"""Token ids to dense and sparse vectors: model loading, pooling, the encoders."""
