"""What the gateway reports about itself while it runs: JSON log lines, Prometheus metrics and spans, never with personal data."""
