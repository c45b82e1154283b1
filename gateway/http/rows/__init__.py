"""The rows of an import: what they become, and the way to the process that reads them."""
