"""The way to the loyalty platform: one client, its rate limiter and breaker, what answers mean, and the workers that send
deliveries."""
