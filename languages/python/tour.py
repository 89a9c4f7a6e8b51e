# What Python goes through before it is forked into boxes (warm.py, begin_tour()): a walk through what programs use. It is no program
# of anybody's, and none of the benchmark.
import collections, dataclasses, datetime, functools, heapq, itertools, json, math, re, string, sys
from typing import Dict, List, Optional


class Shape:
    sides = 0

    def __init__(self, name, *sizes, **more):
        self.name, self.sizes, self.more = name, sizes, more

    def __repr__(self):
        return f"{type(self).__name__}({self.name!r}, {self.area():.2f})"

    @property
    def label(self):
        return self.name.title()

    @classmethod
    def square(cls, size):
        return cls("square", size, size)

    def area(self):
        return math.prod(self.sizes)

    def __lt__(self, other):
        return self.area() < other.area()


@dataclasses.dataclass(order=True)
class Item:
    weight: int
    name: str = ""
    tags: List[str] = dataclasses.field(default_factory=list)


@functools.lru_cache(maxsize=None)
def paths(rows, columns):
    return 1 if rows == 0 or columns == 0 else paths(rows - 1, columns) + paths(rows, columns - 1)


def walk(graph, start):
    seen, ahead = {start}, collections.deque([start])
    while ahead:
        node = ahead.popleft()
        yield node
        for other in sorted(graph.get(node, ())):
            if other not in seen:
                seen.add(other)
                ahead.append(other)


def tour():
    words = "the quick brown fox jumps over the lazy dog and the other animals of the wood".split()
    counts = collections.Counter(words)
    groups = collections.defaultdict(list)
    for word in words:
        groups[len(word)].append(word)
    table = {key: sorted(value, key=lambda w: (-len(w), w)) for key, value in groups.items()}
    text = json.dumps({"counts": counts, "table": table, "values": [1, 2.5, None, True, "\u00e9"]}, indent=2, sort_keys=True)
    back = json.loads(text)
    shapes = sorted([Shape("a", 2, 3), Shape.square(4), Shape("c", 1)], reverse=True)
    items = sorted(Item(n % 7, chr(97 + n), [str(n)]) for n in range(20))
    heap = [(n * 37 % 101, n) for n in range(50)]
    heapq.heapify(heap)
    order = [heapq.heappop(heap) for _ in range(20)]
    grid = [[(row * column) % 10 for column in range(12)] for row in range(12)]
    turned = [list(row) for row in zip(*grid)]
    primes = [n for n in range(2, 200) if all(n % d for d in range(2, int(n ** 0.5) + 1))]
    found = re.findall(r"(?P<key>[a-z]+)=(\d+)", "a=1, bc=22; d=x, e=5")
    swapped = re.sub(r"\b(\w)(\w*)", lambda match: match.group(2) + match.group(1), " ".join(words))
    day = datetime.date(2024, 2, 28) + datetime.timedelta(days=2)
    lines = [f"{name:>10}|{value:08.3f}|{value!r:<6}|{value:e}" for name, value in zip(words, map(math.sqrt, range(1, 9)))]
    lines.append("%s %5d %-8s %x" % ("old", 42, "style", 255))
    lines.append("{0} {name} {1:,}".format(1, 1234567, name="new"))
    matrix = [[sum(a * b for a, b in zip(row, column)) for column in turned] for row in grid]
    try:
        {}["missing"]
    except KeyError as error:
        lines.append(repr(error))
    try:
        int("x")
    except (ValueError, TypeError) as error:
        lines.append(str(error))
    finally:
        lines.append(day.isoformat())
    with open("/etc/passwd") as file:
        lines.append(file.readline()[:10])
    number = 2 ** 200 % 10 ** 9 + math.factorial(30) // 7
    bits = bytes(range(64)).hex() + str(bytearray(b"abc")) + "x".join(reversed(string.ascii_lowercase))
    pairs = list(itertools.combinations(range(6), 3)) + list(itertools.product("ab", repeat=3))
    runs = [(key, len(list(run))) for key, run in itertools.groupby("aaabbc")]
    reached = list(walk({1: [2, 3], 2: [4], 3: [4], 4: [1]}, 1))
    first, *rest = reached
    match reached:
        case [1, *_]:
            lines.append("one")
        case _:
            lines.append("other")
    print(*lines, number, bits, pairs, runs, primes, order, items, shapes, [s.label for s in shapes], sep="\n")
    print(paths(8, 8), sum(map(sum, matrix)), swapped.upper().split(), found, back == json.loads(text), rest, first, end="")
    print(sum(x * x for x in range(300)), max(words, key=len), min(primes), any(primes), [*map(str, set(words))])


tour()
try:
    tour(1)
except TypeError:
    sys.__excepthook__(*sys.exc_info())
