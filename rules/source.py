"""The sources of statements about a person, and what each may do.

A statement adds observations to a record, and the rules decide by these. A claim is stored separately and decides nothing: no
module of this package reads one.
"""

from typing import Literal

Source = Literal["backend", "session", "public", "platform", "operator", "import", "gateway"]
"""`backend`: the secret key was shown. `session`: a session token, for one customer. `public`: the api key alone. `platform`: a
signed webhook. `operator`: the admin listener. `import`: a file that an operator imported. `gateway`: the gateway itself, which
states nothing about customers."""
Trust = Literal["state", "claim", "ignore"]
"""`state`: the statement counts. `claim`: it is stored on the caller's own record, and counts for nothing until a source that
may state it says the same. `ignore`: it is not stored."""
