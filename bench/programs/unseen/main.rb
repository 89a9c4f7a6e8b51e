# Orders of a small workshop: read, checked, planned, routed and summed up. Nothing that a rehearsal does.
require "date"
require "json"
require "set"

LOG = <<~TEXT
  2024-02-27 order=17 item="oak table" price=349.50 days=9 by=Ines
  2024-02-28 order=18 item="pine shelf" price=89.00 days=3 by=Tom
  2024-02-29 order=19 item="walnut desk" price=oops days=12 by=Ada
  2024-03-01 order=20 item="ash chair" price=120.25 days=5 by=Ines
  garbage in the middle
  2024-03-04 order=21 item="oak bench" price=210.00 days=7 by=Tom
TEXT
LINE = /\A(?<day>\d{4}-\d\d-\d\d) order=(?<id>\d+) item="(?<item>[^"]+)" price=(?<price>\S+) days=(?<days>\d+) by=(?<by>\w+)\z/
ROADS = { yard: %i[mill gate], gate: %i[town ford], mill: %i[ford], ford: %i[hill], town: %i[hill port], hill: %i[port] }.freeze

class BadLine < StandardError; end

Order = Struct.new(:due, :id, :item, :cents, :by, keyword_init: true) do
  include Comparable
  def <=>(other) = [due, id] <=> [other.due, other.id]
  def wood = Set["oak", "walnut", "ash"].include?(item.split.first) ? :hard : :soft
end

# A binary heap: the standard library has none.
class Heap
  def initialize = @items = []
  def size = @items.size

  def push(item)
    @items << item
    at = size - 1
    while at.positive? && @items[at] < @items[(at - 1) / 2]
      @items[at], @items[(at - 1) / 2] = @items[(at - 1) / 2], @items[at]
      at = (at - 1) / 2
    end
    self
  end

  def pop
    @items[0], @items[-1] = @items[-1], @items[0]
    least = @items.pop
    at = 0
    while (child = [2 * at + 1, 2 * at + 2].select { |i| i < size }.min_by { |i| @items[i] }) && @items[child] < @items[at]
      @items[at], @items[child] = @items[child], @items[at]
      at = child
    end
    least
  end
end

def parse(number, line)
  match = LINE.match(line) or raise BadLine, "line #{number}: not an order: #{line[0, 12].inspect}"
  cents = (Rational(match[:price]) * 100).to_i
  Order.new(due: Date.parse(match[:day]) + match[:days].to_i, id: match[:id].to_i, item: match[:item], cents: cents, by: match[:by])
rescue ArgumentError
  raise BadLine, "line #{number}: no price"
end

def common(a, b)
  best = Array.new(a.size + 1) { Array.new(b.size + 1, "") }
  a.each_char.with_index do |x, i|
    b.each_char.with_index do |y, j|
      best[i + 1][j + 1] = x == y ? best[i][j] + x : [best[i][j + 1], best[i + 1][j]].max_by(&:size)
    end
  end
  best[-1][-1]
end

def route(start, goal)
  queue = [start]
  came = { start => nil }
  until queue.empty?
    place = queue.shift
    ROADS.fetch(place, []).each do |step|
      next if came.key?(step)

      came[step] = place
      queue << step
    end
  end
  path = [goal]
  path.unshift(came[path.first]) while came[path.first]
  path
end

orders = Heap.new
LOG.each_line(chomp: true).with_index(1) do |line, number|
  orders.push(parse(number, line))
rescue BadLine => e
  puts "#{e.message} (#{e.cause.class})"
end
plan = Array.new(orders.size) { orders.pop }
plan.each do |order|
  puts format("%s %-12s %8.2f %5s %s", order.due.strftime("%a %d %b"), order.item, order.cents / 100.0, order.wood, order.by)
end
text = JSON.generate(plan.map { |order| order.to_h.merge(due: order.due.iso8601) })
puts "#{text.size} #{JSON.parse(text).first['due']} #{plan.max_by(&:cents).item}"
puts plan.map(&:cents).sort.bsearch_index { |cents| cents > 20_000 }
puts "#{common('sandbox of the walnut', 'box and the wallet')} #{route(:yard, :port).join('->')}"
puts plan.group_by(&:by).transform_values { |list| list.sum(&:cents) }.sort.inspect
