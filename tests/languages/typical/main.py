import sys
from dataclasses import dataclass
from functools import lru_cache


@dataclass
class Entry:
    word: str
    total: int = 0
    count: int = 0


class Shape:
    def area(self):
        raise NotImplementedError


class Circle(Shape):
    def __init__(self, radius):
        self.radius = radius

    def area(self):
        return self.radius * self.radius * 314159 // 100000


class Rectangle(Shape):
    def __init__(self, width, height):
        self.width, self.height = width, height

    def area(self):
        return self.width * self.height


def top(lines, n):
    entries = {}
    for line in lines:
        word, value = line.split()
        entry = entries.setdefault(word, Entry(word))
        entry.total += int(value)
        entry.count += 1
    return sorted(entries.values(), key=lambda e: (-e.total, e.word))[:n]


def primes(limit):
    sieve = [True] * limit
    sieve[0] = sieve[1] = False
    for i in range(2, int(limit ** 0.5) + 1):
        if sieve[i]:
            sieve[i * i::i] = [False] * len(range(i * i, limit, i))
    return [i for i, prime in enumerate(sieve) if prime]


@lru_cache(maxsize=None)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def trace(n):
    a = [[i * j % 7 for j in range(n)] for i in range(n)]
    return sum(a[i][k] * a[k][i] for i in range(n) for k in range(n))


def main():
    for entry in top(sys.stdin, 5):
        print(f"{entry.word} {entry.total} {entry.count}")
    found = primes(20000)
    print("primes", len(found), found[-1])
    print("fib", fib(70))
    print("trace", trace(20))
    text = "the quick brown fox jumps over the lazy dog"
    print(" ".join(word[::-1] for word in reversed(text.split())), sum(text.count(v) for v in "aeiou"))
    shapes = [Circle(15), Rectangle(20, 35), Rectangle(40, 40)]
    print("area", sum(shape.area() for shape in shapes))


if __name__ == "__main__":
    main()
