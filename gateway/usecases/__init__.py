"""One file a capability: synchronous functions over a working set, so that nothing can wait, or reach the world, inside a
transaction."""
