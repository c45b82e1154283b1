"""What callers see: the public listener that speaks the platform's API, and the operators' listener."""
