"""The audit log: who did what, on what, why; append-only, in the transaction of its cause, hash-chained per writer."""
