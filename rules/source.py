"""Where a word about a person comes from, and what may be done on it.

A statement makes a record's observations, on which the rules decide. A claim is kept beside them and decides nothing: no
file of this package sees one.
"""

from typing import Literal

Source = Literal["backend", "session", "public", "platform", "operator", "import", "gateway"]
"""`backend`: the secret key was shown. `session`: a session token, for one customer. `public`: the api key alone. `platform`:
a signed webhook. `operator`: the admin listener. `import`: a file that an operator brought in. `gateway`: the gateway
itself, which says nothing about customers."""
Trust = Literal["state", "claim", "ignore"]
"""`state`: what is said counts. `claim`: it is kept on the caller's own record, and counts for nothing until a source that may
state it says the same. `ignore`: nothing of it is kept."""
