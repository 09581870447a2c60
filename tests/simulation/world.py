"""A world: the whole product in one thread, people and machines around it, and all that goes wrong.

Everything follows from the seed: who acts next, how long nothing happens, what fails. First chaos,
then quiet: everything works again and all that is owed must come about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from hashlib import blake2b

from django.db.models import OuterRef, Subquery
from tests.simulation import company, people, stage
from tests.simulation.actors import Actor, Killed, Troupe, is_in_transaction
from tests.simulation.files import Files
from tests.simulation.seen import EVERYBODY, Asked, Seen
from tests.simulation.stage import HOME, dice, watch
from tests.simulation.wire import Hop, Post, Selector, Texts, plug_in

from pusula.campaigns import actions as campaigns
from pusula.campaigns.errors import CampaignError
from pusula.campaigns.models import Campaign
from pusula.channels.email import smtp
from pusula.channels.email.smtp import Server
from pusula.lib import clock
from pusula.outbox import actions as outbox
from pusula.outbox import fence, machine, policies
from pusula.outbox.models import FENCE, Hold, Message
from pusula.outbox.posting import PostLoop
from pusula.outbox.rules import policy
from pusula.outbox.sender import SendLoop
from pusula.pipeline import appender
from pusula.pipeline import erasure as log
from pusula.pipeline.live import Live
from pusula.privacy import erasure
from pusula.profiles import merging
from pusula.profiles.models import Merge

FAULTS = (
    "kills", "wire", "twice", "late", "refusals", "erasures", "clock", "outages", "two senders",
    "pauses", "deploys", "complaints", "merges", "imports", "caps", "quiet", "budgets",
)  # fmt: skip
_CALM = 2  # rounds in which nothing comes about: then nothing will
_RESTLESS = 2_000  # rounds after which something comes about for ever
_MOST_UNDER_WAY = 3  # connections of a sender, messages of a batch
_CHAOS, _QUIET, _MAILS_BEFORE = "chaos", "quiet", 12


class World:
    """One seed's world."""

    def __init__(self, seed: int, *, needs: Collection[str] = ()) -> None:
        """Begin; the seed draws which faults there are, besides those it ``needs``."""
        self.seed = seed
        stage.begin(seed)
        watch.reset()
        watch.pass_(stage.DAY)
        self.post = Post()
        self.hop = Hop(self.post)
        self.troupe = Troupe()
        self.seen = Seen()
        self.faults = {kind for kind in FAULTS if dice.roll.random() < 0.6} | {*needs}
        self.asked: list[Asked] = []
        self.kinds = sorted(self.faults)
        self.n_steps = 0
        self.n_cut_off = 0  # messages that could be under way when senders were killed
        self.errors: list[str] = []
        self.counts: Counter[str] = Counter()
        self._numbers = 0
        self._told = blake2b(digest_size=6)
        self._loops: dict[Actor, SendLoop | PostLoop] = {}
        self._phase = _CHAOS
        self.files = Files(self)
        self.policy = policy.UNLIMITED
        plug_in(self.hop, smtp)
        Selector.wait = staticmethod(self.troupe.wait)
        stage.waiting, stage.blocked = self.troupe.wait, self.troupe.give_way
        appender._doubt._n = 0
        self.troupe.watch_databases()
        self._limit()
        self._look_who_is_whom()

    def _limit(self) -> None:
        """Let limits hold in this world, if it is one of those."""
        caps = dice.roll.choice(company.CAPS) if "caps" in self.faults else ()
        quiet = company.QUIET_HOURS if "quiet" in self.faults else ()
        budgets = dice.roll.choice(company.BUDGETS) if "budgets" in self.faults else ()
        if caps or quiet or budgets:
            told = {"caps": caps, "quiet": quiet, "budgets": budgets}
            self.policy = policy.parse(told, "simulation")
            policies.apply(self.policy, by="cmo", at=clock.now())

    def number(self) -> int:
        """Return a number that nothing of this world has yet."""
        self._numbers += 1
        return self._numbers

    def is_forgotten(self) -> bool:
        """Draw whether an answer is lost on its way, so that the same is asked again."""
        is_lost = "twice" in self.faults and self._phase == _CHAOS and dice.roll.random() < 0.2
        self.counts["asked twice"] += is_lost
        return is_lost

    @property
    def digest(self) -> str:
        """Return what is the same for the same seed, and for nothing else."""
        return self._told.hexdigest()

    # The two phases

    def live(self, n_steps: int) -> None:
        """Live through chaos, then quiet, in which all that is owed comes about."""
        self.troupe.kill_chance = 0.004 if "kills" in self.faults else 0.0
        self.troupe.stop_chance = 0.25
        self.post.has_faults = "wire" in self.faults
        for _ in range(n_steps):
            self.step()
            if self.errors:
                return
        self._quiet_down()

    def step(self) -> None:
        """Let one thing happen."""
        self.n_steps += 1
        self._staff()
        drawn = dice.roll.random()
        if drawn < 0.20:
            people.ask(self)
        elif drawn < 0.45 and self.hop.work():
            pass
        elif drawn < 0.53:
            self._let_time_pass()
        elif drawn < 0.54:
            self._misfortune()
        else:
            self._somebody_acts()
        self.seen.latest = max(self.seen.latest, watch.utc)

    def _somebody_acts(self) -> bool:
        ready = [actor for actor in self.troupe.actors if actor.may_run]
        if not ready:
            return False
        self._act(dice.roll.choice(ready))
        return True

    def _act(self, actor: Actor) -> None:
        self._told.update(f"{actor.name} {watch.utc} {len(self.post.arrived)};".encode())
        actor.go_on()
        assert not is_in_transaction(), f"{actor.name} was stopped within a transaction"
        self._look_after(actor)

    def _look_after(self, actor: Actor) -> None:
        if "merges" in self.kinds and actor.name in {"live", "eraser"}:
            self._look_who_is_whom()
        if actor.name == "importer" and actor.was_killed:
            self.errors += self.files.wrong()
        if actor.is_over:
            self.troupe.actors.remove(actor)
            self._cut_off(actor)
            if actor.error is not None:
                self.errors.append(f"{actor.name} failed: {actor.error!r}")

    def _look_who_is_whom(self) -> None:
        """Note whom people have become by merges, and what had passed the gate before."""
        now = merging.current(company.NUMBERS)
        numbers = {
            person: now[number] for person, number in enumerate(company.NUMBERS) if number in now
        }
        if not self.seen.is_news(numbers):
            return
        tokens = Message.objects.values_list("token", flat=True)
        passed = tokens.filter(state__in=machine.TAKEN)
        # What the same step asked for behind a merge is one person's, however often it was asked.
        merges = Merge.objects.filter(winner_id=OuterRef("profile_id"), undone_at=None)
        merged_at = merges.order_by("-merged_at").values("merged_at")[:1]
        waiting = tokens.filter(state=machine.PENDING, created_at__lt=Subquery(merged_at))
        self.seen.group(numbers, passed, waiting, since=self.post.tick())
        self.counts["grouped anew"] += 1

    def _cut_off(self, actor: Actor) -> None:
        """Note how many messages may be under way when a sender ends."""
        if self._loops.pop(actor, None) is not None:
            self.n_cut_off += _MOST_UNDER_WAY

    def _end_all(self) -> None:
        for actor in self.troupe.actors:
            self._cut_off(actor)
        self.troupe.end()

    def leave(self) -> None:
        """End all that still runs."""
        self._end_all()
        stage.close()

    # Who works here

    def _staff(self) -> None:
        wanted = {"live": 1, "sender": 2 if "two senders" in self.faults else 1, "poster": 1}
        wanted |= {"eraser": int(bool(self.seen.erasing)), "operator": 1}
        wanted |= {"importer": int(bool(self.files.waiting))}
        wanted["web"] = min(2, sum(one.not_before <= watch.running for one in self.asked))
        work = {
            "live": self._live, "sender": self._sender, "poster": self._poster,
            "eraser": self._eraser, "operator": self._operator, "web": self._web,
            "importer": self.files.bring,
        }  # fmt: skip
        for name, n in wanted.items():
            for _ in range(n - len(self.troupe.named(name))):
                self.troupe.enter(name, work[name])

    def _live(self) -> None:
        log.clear_up()
        live = Live()
        while True:
            stepped = live.step(dice.roll.choice((1, 3, 500)))
            if not stepped.is_full:
                self.troupe.wait(dice.roll.choice((0.02, 1, 5)))

    def _sender(self) -> None:
        server = Server("hop", 25, n_connections=dice.roll.choice((1, 2, 3)))
        self._run(SendLoop(server, HOME))

    def _poster(self) -> None:
        texts = Texts(self.post, self.troupe.checkpoint)
        self._run(PostLoop(texts, HOME, wait=self.troupe.wait))

    def _run(self, loop: SendLoop | PostLoop) -> None:
        actor = self.troupe.on_stage()
        assert actor is not None
        self._loops[actor] = loop
        loop.run()

    def _eraser(self) -> None:
        erasure.resume()
        for person in EVERYBODY:
            if person not in self.seen.erased and people.profile_of(person) is None:
                self.seen.erased[person] = self.post.tick()
                self.seen.refused.setdefault(company.email_of(person), self.post.tick())
                self.seen.refused.setdefault(company.phone_of(person), self.post.tick())
        self.seen.erasing -= self.seen.erased.keys()

    def _operator(self) -> None:
        while True:
            self.troupe.wait(dice.roll.choice((60, 600, 3_600)))
            held = set(Hold.objects.values_list("origin", flat=True))
            if FENCE in held:
                fence.confirm(HOME / "run", at=clock.now())
                self.counts["fence lifted"] += 1
            for origin in held - {FENCE}:
                outbox.lift(origin)
            if "pauses" in self.faults and dice.roll.random() < 0.1 and self._phase == _CHAOS:
                outbox.hold("", at=clock.now())
                self.counts["paused"] += 1
            campaigns.settle_all(clock.now())
            self._start_mailing()

    def _start_mailing(self) -> None:
        mailing = Campaign.objects.get(key=company.MAILING)
        if (
            mailing.started_at is None
            and not self.counts["mailing to nobody"]
            and (len(self.post.arrived) > _MAILS_BEFORE or self._phase == _QUIET)
        ):
            try:
                campaigns.start(mailing, clock.now())
            except CampaignError:  # of whom it is meant for nobody is left
                self.counts["mailing to nobody"] += 1
            else:
                self.counts["mailing started"] += 1

    def _web(self) -> None:
        ready = [one for one in self.asked if one.not_before <= watch.running]
        if not ready:
            return
        one = dice.roll.choice(ready)
        self.asked.remove(one)
        try:
            one.do()
        except Killed:
            self._ask_again(one)
            raise
        if self.is_forgotten():
            self._ask_again(one)
        else:
            one.answered()

    def _ask_again(self, one: Asked) -> None:
        later = dice.roll.choice((1, 60, 3_600, 86_400)) if "late" in self.faults else 1
        one.not_before = watch.running + later * stage.SECOND
        self.asked.append(one)

    # Time and misfortune

    def _let_time_pass(self) -> None:
        """Let moments pass anywhere, and hours where nobody is in the middle of work."""
        if dice.roll.random() < 0.6:
            watch.pass_(dice.roll.choice((1_000, 100_000, 2 * stage.SECOND)))
            return
        self._finish_work()
        spans = (10 * stage.SECOND, stage.MINUTE, 10 * stage.MINUTE, stage.HOUR, 3 * stage.HOUR)
        watch.pass_(dice.roll.choice(spans))

    def _finish_work(self) -> None:
        """Let everybody go on until they wait for something."""
        stop_chance, self.troupe.stop_chance = self.troupe.stop_chance, 0.0
        while busy := [one for one in self.troupe.actors if not one.is_waiting]:
            for actor in busy:
                self.n_steps += 1
                self._act(actor)
        self.troupe.stop_chance = stop_chance

    def _misfortune(self) -> None:
        drawn = dice.roll.random()
        if drawn < 0.2 and "outages" in self.faults:
            self._end_all()
            self.counts["outage"] += 1
            watch.pass_(dice.roll.choice((stage.HOUR, 12 * stage.HOUR, 3 * stage.DAY)))
        elif drawn < 0.4 and "clock" in self.faults:
            self._finish_work()
            self.counts["clock set"] += 1
            skews = (0, -stage.HOUR, stage.HOUR, -stage.DAY, 30 * stage.SECOND)
            self._set_clock(dice.roll.choice(skews))
        elif drawn < 0.7 and "deploys" in self.faults and self._loops:
            self.counts["deployed"] += 1
            dice.roll.choice(list(self._loops.values())).stop()

    def _set_clock(self, skew: int) -> None:
        watch.utc = stage.START + watch.running - 3 * stage.DAY + skew

    # Quiet

    def _quiet_down(self) -> None:
        self._phase = _QUIET
        self._end_all()
        self.troupe.kill_chance = self.troupe.stop_chance = 0.0
        self.post.has_faults = False
        self.faults.clear()
        self._set_clock(0)
        for one in self.asked:  # nobody comes so late that what they begin is not over in the end
            one.not_before = min(one.not_before, watch.running)
        # Where an hour takes only so many, each has to come.
        n_hours = 1 if self.policy.budgets else 4
        for _ in range(48 // n_hours):
            self._settle()
            watch.pass_(n_hours * stage.HOUR)
        self._settle()
        for loop in list(self._loops.values()):
            loop.stop()
        while self._loops and not self.errors:
            self._round()

    def _settle(self) -> None:
        """Let everybody act until nothing comes about any more."""
        n_calm, before = 0, None
        for _round in range(_RESTLESS):
            if n_calm >= _CALM or self.errors:
                return
            self._staff()
            self._round()
            standing = (
                len(self.asked) + len(self.files.waiting),
                self.post.count,
                len(self.post.arrived),
                len(self.hop.lines),
            )
            n_calm = n_calm + 1 if standing == before else 0
            before = standing
        self.errors.append(f"over: the world never comes to rest: {standing}")

    def _round(self) -> None:
        """Let everybody act once, the hop as long as there is something to do."""
        for actor in [one for one in self.troupe.actors if one.may_run]:
            self.n_steps += 1
            self._act(actor)
        while self.hop.work():
            self.n_steps += 1
        watch.pass_(stage.SECOND)
