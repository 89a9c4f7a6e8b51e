#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <ranges>
#include <string>
#include <string_view>
#include <vector>

struct Shape {
    virtual ~Shape() = default;
    virtual long area() const = 0;
};

struct Circle : Shape {
    explicit Circle(long radius) : radius(radius) {}
    long area() const override { return radius * radius * 314159 / 100000; }
    long radius;
};

struct Rectangle : Shape {
    Rectangle(long width, long height) : width(width), height(height) {}
    long area() const override { return width * height; }
    long width, height;
};

struct Entry {
    std::string word;
    int total = 0, count = 0;
};

static std::vector<Entry> top(std::istream &in, std::size_t n)
{
    std::map<std::string, Entry> entries;
    std::string word;

    for (int value; in >> word >> value;) {
        auto &entry = entries[word];
        entry.word = word;
        entry.total += value;
        entry.count++;
    }
    std::vector<Entry> sorted;
    for (const auto &[key, entry] : entries)
        sorted.push_back(entry);
    std::ranges::stable_sort(sorted, std::greater<>{}, &Entry::total);
    sorted.resize(std::min(n, sorted.size()));
    return sorted;
}

static std::vector<int> primes(int limit)
{
    std::vector<bool> composite(limit);
    std::vector<int> found;

    for (int i = 2; i < limit; i++) {
        if (composite[i])
            continue;
        found.push_back(i);
        for (long j = 1L * i * i; j < limit; j += i)
            composite[j] = true;
    }
    return found;
}

static long fib(int n)
{
    static std::map<int, long> memo;

    if (n < 2)
        return n;
    if (auto it = memo.find(n); it != memo.end())
        return it->second;
    return memo[n] = fib(n - 1) + fib(n - 2);
}

template <int N> long trace()
{
    long sum = 0;

    for (int i : std::views::iota(0, N))
        for (int k : std::views::iota(0, N))
            sum += (i * k % 7) * (k * i % 7);
    return sum;
}

int main()
{
    for (const auto &[word, total, count] : top(std::cin, 5))
        std::cout << word << ' ' << total << ' ' << count << '\n';
    auto found = primes(20000);
    std::cout << "primes " << found.size() << ' ' << found.back() << "\nfib " << fib(70) << "\ntrace " << trace<20>() << '\n';

    std::string text = "the quick brown fox jumps over the lazy dog";
    auto vowels = std::ranges::count_if(text, [](char c) { return std::string_view("aeiou").find(c) != std::string_view::npos; });
    std::ranges::reverse(text);
    std::cout << text << ' ' << vowels << '\n';

    std::vector<std::unique_ptr<Shape>> shapes;
    shapes.push_back(std::make_unique<Circle>(15));
    shapes.push_back(std::make_unique<Rectangle>(20, 35));
    shapes.push_back(std::make_unique<Rectangle>(40, 40));
    std::cout << "area " << std::accumulate(shapes.begin(), shapes.end(), 0L, [](long sum, auto &s) { return sum + s->area(); }) << '\n';
}
