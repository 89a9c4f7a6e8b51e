// Orders of a small workshop: read, checked, planned, routed and summed up. Nothing that a rehearsal does.
#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <cmath>
#include <deque>
#include <functional>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <queue>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace {

constexpr std::string_view log_text = R"(2024-02-27 order=17 item="oak table" price=349.50 days=9 by=Ines
2024-02-28 order=18 item="pine shelf" price=89.00 days=3 by=Tom
2024-02-29 order=19 item="walnut desk" price=oops days=12 by=Ada
2024-03-01 order=20 item="ash chair" price=120.25 days=5 by=Ines
garbage in the middle
2024-03-04 order=21 item="oak bench" price=210.00 days=7 by=Tom
)";

struct BadLine : std::runtime_error {
    BadLine(int number, const std::string &why) : std::runtime_error("line " + std::to_string(number) + ": " + why) {}
};

struct Order {
    std::chrono::sys_days due;
    int id;
    std::string item;
    long cents;
    std::string by;
    auto operator<=>(const Order &other) const { return std::tie(due, id) <=> std::tie(other.due, other.id); }
    bool operator==(const Order &other) const = default;
};

using Json = std::variant<long, std::string>;

struct Printer {
    std::ostream &out;
    void operator()(long number) const { out << number; }
    void operator()(const std::string &text) const { out << std::quoted(text); }
};

std::string day_of(std::chrono::sys_days when)
{
    const std::chrono::year_month_day day{when};
    std::ostringstream out;
    out << std::setfill('0') << int(day.year()) << '-' << std::setw(2) << unsigned(day.month()) << '-' << std::setw(2) << unsigned(day.day());
    return out.str();
}

std::optional<long> cents_of(const std::string &text)
{
    try {
        std::size_t end = 0;
        const double price = std::stod(text, &end);
        return end == text.size() ? std::optional{std::lround(price * 100)} : std::nullopt;
    } catch (const std::invalid_argument &) {
        return std::nullopt;
    }
}

Order parse(int number, const std::string &line)
{
    static const std::regex pattern{R"re((\d{4})-(\d\d)-(\d\d) order=(\d+) item="([^"]+)" price=(\S+) days=(\d+) by=(\w+))re"};
    std::smatch match;
    if (!std::regex_match(line, match, pattern))
        throw BadLine{number, "not an order: '" + line.substr(0, 12) + "'"};
    const auto cents = cents_of(match[6]);
    if (!cents)
        throw BadLine{number, "no price"};
    const auto part = [&](std::size_t i) { return std::stoi(match[i]); };
    const std::chrono::sys_days day = std::chrono::year{part(1)} / part(2) / part(3);
    return {day + std::chrono::days{part(7)}, part(4), match[5], *cents, match[8]};
}

std::string common(std::string_view a, std::string_view b)
{
    std::vector best(a.size() + 1, std::vector<std::string>(b.size() + 1));
    for (std::size_t i = 0; i < a.size(); i++)
        for (std::size_t j = 0; j < b.size(); j++)
            best[i + 1][j + 1] = a[i] == b[j] ? best[i][j] + a[i]
                                              : std::max(best[i][j + 1], best[i + 1][j], [](auto &x, auto &y) { return x.size() < y.size(); });
    return best.back().back();
}

std::vector<std::string> route(const std::string &from, const std::string &to)
{
    static const std::unordered_map<std::string, std::vector<std::string>> roads{
        {"yard", {"mill", "gate"}}, {"gate", {"town", "ford"}}, {"mill", {"ford"}}, {"ford", {"hill"}}, {"town", {"hill", "port"}}, {"hill", {"port"}}};
    std::map<std::string, std::string> came{{from, ""}};
    std::deque<std::string> queue{from};
    for (; !queue.empty(); queue.pop_front())
        if (const auto found = roads.find(queue.front()); found != roads.end())
            for (const auto &next : found->second)
                if (came.try_emplace(next, queue.front()).second)
                    queue.push_back(next);
    std::vector<std::string> path;
    for (std::string at = to; !at.empty(); at = came.at(at))
        path.push_back(at);
    std::reverse(path.begin(), path.end());
    return path;
}

} // namespace

int main()
{
    std::priority_queue<Order, std::vector<Order>, std::greater<>> orders;
    std::istringstream in{std::string{log_text}};
    int number = 0;
    for (std::string line; std::getline(in, line);) {
        try {
            orders.push(parse(++number, line));
        } catch (const BadLine &error) {
            std::cout << error.what() << '\n';
        }
    }
    std::vector<std::unique_ptr<Order>> plan;
    for (; !orders.empty(); orders.pop())
        plan.push_back(std::make_unique<Order>(orders.top()));
    std::map<std::string, long> earned;
    const std::set<std::string, std::less<>> hard{"oak", "walnut", "ash"};
    for (const auto &order : plan) {
        earned[order->by] += order->cents;
        std::cout << day_of(order->due) << ' ' << std::left << std::setw(12) << order->item << std::right << std::setw(9) << std::fixed
                  << std::setprecision(2) << order->cents / 100.0 << (hard.contains(order->item.substr(0, order->item.find(' '))) ? " hard " : " soft ")
                  << order->by << '\n';
    }
    for (const auto &[by, cents] : earned) {
        const std::array<std::pair<std::string, Json>, 2> fields{{{"by", by}, {"cents", cents}}};
        const char *before = "{";
        for (const auto &[key, value] : fields) {
            std::cout << std::exchange(before, ", ") << std::quoted(key) << ": ";
            std::visit(Printer{std::cout}, value);
        }
        std::cout << "}\n";
    }
    std::cout << std::accumulate(plan.begin(), plan.end(), 0L, [](long sum, const auto &order) { return sum + order->cents; }) << '\n';
    std::cout << common("sandbox of the walnut", "box and the wallet") << ' ';
    const auto path = route("yard", "port");
    std::copy(path.begin(), path.end(), std::ostream_iterator<std::string>{std::cout, " "});
    std::cout << '\n';
}
