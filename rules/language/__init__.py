"""The language of rule files: TOML text becomes a valid rule set, or every problem of the text with its line."""
