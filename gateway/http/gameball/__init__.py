"""The platform's own API as this gateway answers it by itself: one module a group of operations."""
