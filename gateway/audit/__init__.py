"""The audit log: who did what, to what, and why. Events are append-only, written in the transaction of their cause, and linked
in a hash chain for each writer."""
