"""The way to the loyalty platform: one client, its pace, its breaker, and what its answers mean for work that waits."""
