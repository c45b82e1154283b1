"""What the gateway reports about itself while it runs: JSON log lines and Prometheus metrics, never with personal data."""
