"""Programs that the gateway starts beside itself, for work that would hold up calls or needs a memory limit of its own."""
