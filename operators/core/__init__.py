"""Floor 0: columns, schemas, fingerprints, keys, storage, manifests, errors. Imports no stage."""
