"""`gateway simulate`: invented customers whose true persons are known, and how well merge rules find them."""
