"""The rows of an import: what they are made of, and the way to the process that reads them."""
