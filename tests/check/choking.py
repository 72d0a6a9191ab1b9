"""Who is unchoked (protocol A7): the k preferred neighbors every p seconds, one optimistic neighbor every m seconds."""

import random

import wire
from variants import free, mutant


class Choking:
    """The two choices of a peer. All methods run under the peer's lock."""

    def __init__(self, peer):
        self.peer = peer
        self.preferred, self.optimistic = set(), None
        self.first = set()  # the candidates of the first selection; only a mutant looks at them
        self.former = set()  # former optimistic neighbors; only a mutant looks at them

    @property
    def neighbors(self):
        return list(self.peer.neighbors.values())

    def interested(self):
        """The candidates in random order, so that a stable sort leaves ties at random."""
        candidates = [neighbor for neighbor in self.neighbors if neighbor.they_are_interested]
        random.shuffle(candidates)
        return candidates

    # ---- Every p seconds ----

    def choose_preferred(self):
        if mutant("choking-nobody"):
            return
        former = self.preferred
        ranked = self.ranked()
        if mutant("choking-dead-preferred"):
            ranked = [neighbor for neighbor in former if neighbor not in self.neighbors] + ranked
        if mutant("choking-first-interested-only"):
            self.first = self.first or set(ranked)
            ranked = [neighbor for neighbor in ranked if neighbor in self.first]
        self.preferred = set(ranked[: self.slots()])
        if mutant("choking-same-set") and former:
            self.preferred = former
        for neighbor in self.neighbors:
            if not mutant("choking-rates-cumulative"):
                neighbor.received = neighbor.sent = 0
        changed = self.preferred != former
        if self.preferred and (changed or free("preferred-logged-each-tick")) or mutant("log-preferred-empty"):
            self.peer.log.preferred(neighbor.id for neighbor in self.preferred)
        if mutant("choking-optimistic-choked") and self.optimistic not in self.preferred:
            self.optimistic = None
        self.apply(at_tick=True)

    def slots(self):
        if mutant("choking-everybody"):
            return len(self.neighbors)
        if mutant("choking-one-preferred"):
            return 1
        if mutant("choking-one-too-few"):
            return self.peer.config.k - 1
        return self.peer.config.k + 1 if mutant("choking-more-than-k") else self.peer.config.k

    def ranked(self):
        """The candidates, the best first: those that sent us most, or in random order if we have the complete file."""
        candidates = self.interested()
        if mutant("choking-uninterested"):
            candidates = random.sample(self.neighbors, len(self.neighbors))
        if self.peer.copy.is_complete:
            if mutant("choking-seeder-in-order"):
                candidates.sort(key=lambda neighbor: neighbor.id)
            return candidates
        if mutant("choking-rates-ignored"):
            return candidates
        if mutant("choking-rates-zeroed"):
            for neighbor in self.neighbors:
                neighbor.received = 0
            candidates = [neighbor for neighbor in self.neighbors if neighbor.they_are_interested]
        if mutant("choking-ties-by-id"):
            candidates.sort(key=lambda neighbor: neighbor.id)
        if mutant("choking-rates-of-sent"):
            return sorted(candidates, key=lambda neighbor: -neighbor.sent)
        if mutant("choking-sorted-ascending"):
            return sorted(candidates, key=lambda neighbor: neighbor.received)
        return sorted(candidates, key=lambda neighbor: -neighbor.received)

    # ---- Every m seconds ----

    def choose_optimistic(self):
        if mutant("choking-optimistic-never") or mutant("choking-nobody"):
            return
        if mutant("choking-optimistic-fixed") and self.optimistic:
            return
        if self.optimistic and not self.optimistic.they_are_interested:
            self.optimistic = None
        candidates = self.optimistic_candidates()
        if candidates:
            if self.optimistic:
                self.former.add(self.optimistic)
            self.optimistic = candidates[0]
            logged = min(self.peer.neighbors) if mutant("log-optimistic-of-first") else self.optimistic.id
            self.peer.log.write("optimistic", logged)
        self.apply()

    def optimistic_candidates(self):
        candidates = [neighbor for neighbor in self.interested() if neighbor.we_choke_them]
        if mutant("choking-first-interested-only"):
            candidates = [neighbor for neighbor in candidates if neighbor in (self.first or candidates)]
        if mutant("choking-optimistic-among-unchoked"):
            return [neighbor for neighbor in self.interested() if not neighbor.we_choke_them] or candidates
        if mutant("choking-optimistic-among-uninterested"):
            others = [neighbor for neighbor in self.neighbors if not neighbor.they_are_interested]
            return random.sample(others, len(others)) or candidates
        if mutant("choking-optimistic-lowest-id"):
            candidates.sort(key=lambda neighbor: neighbor.id)
        return candidates

    # ---- What both choices lead to ----

    def apply(self, at_tick=False):
        """Tells the neighbors what changed for them: chokes first, so that never more than k + 1 are unchoked."""
        if mutant("choking-chokes-all-first") and at_tick:
            for neighbor in self.neighbors:
                self.set_choke(neighbor, True)
        for chokes in True, False:
            for neighbor in self.neighbors:
                if self.is_chosen(neighbor) != chokes:
                    if mutant("choking-repeats") and at_tick and neighbor.we_choke_them == chokes:
                        neighbor.send(wire.CHOKE if chokes else wire.UNCHOKE)
                    self.set_choke(neighbor, chokes)

    def is_chosen(self, neighbor):
        if mutant("choking-optimistic-kept") and neighbor in self.former:
            return True
        return neighbor in self.preferred or neighbor is self.optimistic

    def set_choke(self, neighbor, chokes):
        if mutant("choking-never-chokes") and chokes:
            return
        if neighbor.we_choke_them != chokes:
            neighbor.we_choke_them = chokes
            neighbor.send(wire.CHOKE if chokes else wire.UNCHOKE)

    def on_interested(self, neighbor):
        """A neighbor became interested between two ticks: it waits for the next one."""
        if mutant("choking-never-chokes"):
            self.set_choke(neighbor, False)
        if mutant("choking-fills-free-slots") and len(self.preferred) < self.peer.config.k:
            self.preferred.add(neighbor)
            self.peer.log.preferred(other.id for other in self.preferred)
            self.apply()

    def forget(self, neighbor):
        if not mutant("choking-dead-preferred"):
            self.preferred.discard(neighbor)
        self.former.discard(neighbor)
        if self.optimistic is neighbor:
            self.optimistic = None
