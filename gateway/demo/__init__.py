"""An invented shop, played through a real gateway: something to look at in the console."""
