"""The archive of documents: versioned, sealed, provable, and lawfully erasable."""
