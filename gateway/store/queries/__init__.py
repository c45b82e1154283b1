"""What operators ask the database: bounded, read-only questions in SQL that both engines run, answered as entities of
`gateway.model`. Nothing here decides anything, and nothing here is on the path of a call."""
