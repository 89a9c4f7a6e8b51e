"""Orders of a small workshop: read, checked, planned, routed and summed up. Nothing that a rehearsal does."""
import bisect
import heapq
import json
import re
import textwrap
from collections import deque
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from enum import Enum
from fractions import Fraction
from operator import attrgetter

LOG = """\
2024-02-27 order=17 item="oak table" price=349.50 days=9 by=Ines
2024-02-28 order=18 item="pine shelf" price=89.00 days=3 by=Tom
2024-02-29 order=19 item="walnut desk" price=oops days=12 by=Ada
2024-03-01 order=20 item="ash chair" price=120.25 days=5 by=Ines
garbage in the middle
2024-03-04 order=21 item="oak bench" price=210.00 days=7 by=Tom
"""
LINE = re.compile(r'(?P<day>\d{4}-\d\d-\d\d) order=(?P<id>\d+) item="(?P<item>[^"]+)" price=(?P<price>\S+) days=(?P<days>\d+) by=(?P<by>\w+)')
ROADS = {"yard": ["mill", "gate"], "gate": ["town", "ford"], "mill": ["ford"], "ford": ["hill"], "town": ["hill", "port"], "hill": ["port"]}


class Wood(Enum):
    HARD = "oak walnut ash"
    SOFT = "pine"

    @classmethod
    def of(cls, item):
        return next(kind for kind in cls if item.split()[0] in kind.value.split())


class BadLine(ValueError):
    def __init__(self, number, why):
        super().__init__(f"line {number}: {why}")


@dataclass(order=True)
class Order:
    due: date
    id: int
    item: str = field(compare=False)
    cents: int = field(compare=False)
    by: str = field(compare=False, default="nobody")


def parse(number, line):
    match = LINE.fullmatch(line)
    if match is None:
        raise BadLine(number, f"not an order: {line[:12]!r}")
    try:
        cents = int(Fraction(match["price"]) * 100)
    except ValueError as error:
        raise BadLine(number, "no price") from error
    due = date.fromisoformat(match["day"]) + timedelta(days=int(match["days"]))
    return Order(due, int(match["id"]), match["item"], cents, match["by"])


def common(a, b):
    """The longest common subsequence."""
    best = [[""] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            best[i + 1][j + 1] = best[i][j] + x if x == y else max(best[i][j + 1], best[i + 1][j], key=len)
    return best[-1][-1]


def route(start, goal):
    queue, came = deque([start]), {start: None}
    while queue:
        place = queue.popleft()
        for step in ROADS.get(place, ()):
            if step not in came:
                came[step] = place
                queue.append(step)
    path = [goal]
    while came[path[-1]]:
        path.append(came[path[-1]])
    return path[::-1]


orders, faults = [], []
for number, line in enumerate(LOG.splitlines(), 1):
    try:
        heapq.heappush(orders, parse(number, line))
    except BadLine as error:
        faults.append(f"{error} ({type(error.__cause__).__name__})")
print(*faults, sep="\n")
plan = [heapq.heappop(orders) for _ in range(len(orders))]
for order in plan:
    print(f"{order.due:%a %d %b} {order.item:<12} {order.cents / 100:>8.2f} {Wood.of(order.item).name.lower():>5} {order.by}")
text = json.dumps([asdict(order) for order in plan], default=date.isoformat, sort_keys=True)
print(len(text), json.loads(text)[0]["due"], max(plan, key=attrgetter("cents")).item)
print(bisect.bisect([order.cents for order in sorted(plan, key=attrgetter("cents"))], 20000))
print(common("sandbox of the walnut", "box and the wallet"), "->".join(route("yard", "port")))
print(textwrap.fill(" ".join(order.item.title() for order in plan), 24))
