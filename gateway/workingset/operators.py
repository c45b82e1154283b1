"""Data that operators keep: channel keys, rule sets, lists."""

from gateway.ids import Ids
from gateway.model import Activation, ChannelKey, ListedValue, RulePlan, StoredRuleSet
from gateway.workingset.batch_context import BatchContext
from gateway.workingset.collection import Collection, Of, Written

EVERY_CHANNEL = "*"


class Operators(BatchContext):
    """`keys_of_channel` are read by channel, or by EVERY_CHANNEL; `lists` by name. The active rule set and the open regroupings of
    all profiles are loaded with each rule set that is asked for."""

    keys_of_channel = Of(Collection[str, list[ChannelKey]])
    channel_keys = Of(Written[str, ChannelKey])
    rule_sets = Of(Collection[str, StoredRuleSet | None])
    activations = Of(Written[int, Activation])
    plans = Of(Written[str, RulePlan])
    lists = Of(Collection[str, frozenset[str]])
    listed = Of(Written[tuple[str, str], ListedValue])

    def __init__(self, now: int, ids: Ids, *, stamp: int | None = None) -> None:
        super().__init__(now, ids, stamp=stamp)
        self.active_rules = ""

    def keep_channel_key(self, key: ChannelKey) -> None:
        for channel in (key.channel, EVERY_CHANNEL):
            if channel in self.keys_of_channel:
                others = [other for other in self.keys_of_channel[channel] if other.key_id != key.key_id]
                self.keys_of_channel.put(channel, [*others, key])
        self.channel_keys.keep(key.key_id, key)

    def activate(self, version: str, actor: str) -> None:
        self.active_rules = version
        activation = Activation(self.next_id(), version, actor, self.now)
        self.activations.add(activation.activation_id, activation)
