"""Programs that the gateway starts beside itself, each for work that would hold up calls or needs a limit of memory of its own."""
