"""Searching for records that look like one person: likenesses, weights, answers, and what is worth a question."""
