"""What every use case may read besides its working set: the active rules, the offers, and the sources of randomness."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self

from gateway.audit.pseudonym import Pseudonyms
from gateway.clock import HOUR
from gateway.config import Campaign, CanonicalId, Config, Program, Tier
from gateway.loyalty.eligibility import needs
from rules.normalize import Normalizer
from rules.policy import Policy
from rules.ruleset import RuleSet


@dataclass(slots=True)
class Env:
    """`random_between(low, high)` gives a uniform integer of the closed range, `random_bytes(n)` n unguessable bytes. All spans are
    ms.

    `standing_details` names what the audience of any campaign asks about a profile; `policy` is the rules, compiled. `use` replaces
    the rules, with `own`, the operators' lists, and `offer_as` replaces what the settings offer. Both happen while the pipeline is
    between two batches; everything else stays the same until the process ends.

    `forwards`: calls go to an upstream, which keeps points of its own.

    `subscribers` are the names of the webhooks that get the events of a topic.

    `delivers`: accepted achievements are reported to the upstream, which grants, and are given up after `give_up_after`.
    """

    rules: RuleSet
    campaigns: Mapping[int, Campaign]
    tiers: tuple[Tier, ...]
    program: Program
    dedup_window: int
    grant_delay: tuple[int, int]
    idempotency_ttl: int
    pseudonyms: Pseudonyms
    random_between: Callable[[int, int], int]
    random_bytes: Callable[[int], bytes]
    canonical_id: CanonicalId = "first"
    delivers: bool = False
    give_up_after: int = 72 * HOUR
    forwards: bool = False
    subscribers: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    own: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    policy: Policy = field(init=False)
    normalizer: Normalizer = field(init=False)
    standing_details: frozenset[str] = field(init=False)

    @classmethod
    def of(
        cls,
        config: Config,
        rules: RuleSet,
        pseudonyms: Pseudonyms,
        random_between: Callable[[int, int], int],
        random_bytes: Callable[[int], bytes],
    ) -> Self:
        topics = {topic for webhook in config.webhooks for topic in webhook.events}
        return cls(
            rules=rules,
            campaigns={campaign.id: campaign for campaign in config.campaigns},
            tiers=config.tiers,
            program=config.program,
            dedup_window=config.achievements.dedup_window,
            grant_delay=config.achievements.grant_delay,
            idempotency_ttl=config.achievements.idempotency_ttl,
            pseudonyms=pseudonyms,
            random_between=random_between,
            random_bytes=random_bytes,
            delivers=config.delivers,
            forwards=config.gateway.mode == "forward",
            give_up_after=config.upstream.give_up_after,
            canonical_id=config.upstream.canonical_id,
            subscribers={
                topic: tuple(webhook.name for webhook in config.webhooks if topic in webhook.events)
                for topic in topics
            },
        )

    def offer_as(self, other: Self) -> None:
        """Take over the campaigns, spans and subscribers of another one, made from newer settings."""
        self.campaigns, self.standing_details = other.campaigns, other.standing_details
        self.tiers, self.program, self.subscribers = other.tiers, other.program, other.subscribers
        self.dedup_window, self.grant_delay = other.dedup_window, other.grant_delay
        self.idempotency_ttl = other.idempotency_ttl

    def __post_init__(self) -> None:
        self.use(self.rules)
        wanted = [needs(campaign) for campaign in self.campaigns.values()]
        self.standing_details = frozenset(
            name
            for name, asked in (
                ("tags", any(w.tags for w in wanted)),
                ("score", any(w.tier for w in wanted)),
                ("attributes", any(w.attributes for w in wanted)),
            )
            if asked
        )

    def use(self, rules: RuleSet, own: Mapping[str, frozenset[str]] | None = None) -> None:
        """`own` are the operators' lists by name. Without it, the lists in use stay."""
        self.rules = rules
        self.own = self.own if own is None else own
        self.policy, self.normalizer = Policy(rules), Normalizer(rules, self.own)
