"""Judge snapshots by queries whose relevant documents are known: metrics, sparsity, whether two differ."""
