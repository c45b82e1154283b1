"""`gateway admin-token`: prints the token for the admin API."""

from gateway.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, settings
from gateway.cli.output import print_json, say


def admin_token(config: ConfigFile = DEFAULT_CONFIG, json: AsJson = False) -> None:
    """Print the token of the admin API that commands use: the configured one, or one derived from the master secret."""
    from gateway.config.master_secret import command_token as token_of

    token = token_of(settings(config))
    if json:
        print_json({"admin_token": token})
    else:
        say(token)
