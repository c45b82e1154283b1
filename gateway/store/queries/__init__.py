"""Questions of operators to the database: bounded and read-only, in SQL that both engines run, answered as entities of
`gateway.model`. Nothing here decides anything, and no call waits for it."""
