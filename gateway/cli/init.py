"""`gateway init`: writes the example settings to a new file, with fresh keys, for its owner only."""

import re
from importlib.resources import files

from gateway.cli.failure import Failure
from gateway.cli.options import DEFAULT_CONFIG, ConfigFile
from gateway.cli.output import note, say
from gateway.http.keyring import new_pair
from gateway.new_file import write_new

_EXAMPLE_KEY = re.compile(r'"example-(?P<channel>\w+)-(?P<kind>api|secret)-key-\d+"')
_OF_THE_EXAMPLE = (
    (r"It runs as it is: `[^`]*`\.", "Written by `gateway init`."),
    (r"; inline only in an example like this one\.", ". This file holds keys: keep its mode at 0600."),
    (r"# an example: replace it\. W", "# w"),
    (r" +# an example: replace it", ""),
)
"""Sentences that only apply to the example, with their replacements in the copy."""


def init(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Write the settings file, with every setting explained and fresh keys for each channel. An existing file is left alone."""
    example = files("gateway").joinpath("config.example.toml").read_text("utf-8")
    try:
        write_new(config, [settings_of(example).encode()])
    except FileExistsError:
        raise Failure(
            f"{config}: exists already and was not changed; name another file with --config"
        ) from None
    except OSError as error:
        missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        remedy = "create the directory, or name" if missing else "name"
        raise Failure(
            f"{config}: cannot be written ({error.filename}: {error.strerror}); {remedy} another file with --config"
        ) from None
    say(f"wrote {config}")
    note(
        f"it holds the keys of each channel; only you can read it. Start with: gateway serve --config {config}"
    )


def settings_of(example: str) -> str:
    """The example with freshly generated keys."""
    pairs: dict[str, dict[str, str]] = {}

    def fresh(found: re.Match[str]) -> str:
        channel = found["channel"]
        if channel not in pairs:
            _, api_key, secret_key = new_pair(channel)
            pairs[channel] = {"api": api_key, "secret": secret_key}
        return f'"{pairs[channel][found["kind"]]}"'

    text = _EXAMPLE_KEY.sub(fresh, example)
    for said, instead in _OF_THE_EXAMPLE:
        text = re.sub(said, instead, text)
    return text
