Entry = Struct.new(:word, :total, :count)

class Circle
  def initialize(radius) = @radius = radius

  def area = @radius * @radius * 314159 / 100000
end

class Rectangle
  def initialize(width, height)
    @width = width
    @height = height
  end

  def area = @width * @height
end

def top(lines, n)
  entries = Hash.new { |hash, word| hash[word] = Entry.new(word, 0, 0) }
  lines.each do |line|
    word, value = line.split
    entries[word].total += value.to_i
    entries[word].count += 1
  end
  entries.values.sort_by { |entry| [-entry.total, entry.word] }.first(n)
end

def primes(limit)
  composite = Array.new(limit, false)
  (2...limit).select do |i|
    next false if composite[i]

    (i * i).step(limit - 1, i) { |j| composite[j] = true }
    true
  end
end

MEMO = {}

def fib(n)
  n < 2 ? n : MEMO[n] ||= fib(n - 1) + fib(n - 2)
end

def trace(n)
  a = Array.new(n) { |i| Array.new(n) { |j| i * j % 7 } }
  (0...n).sum { |i| (0...n).sum { |k| a[i][k] * a[k][i] } }
end

top($stdin.each_line, 5).each { |entry| puts "#{entry.word} #{entry.total} #{entry.count}" }
found = primes(20_000)
puts "primes #{found.size} #{found.last}"
puts "fib #{fib(70)}"
puts "trace #{trace(20)}"
text = "the quick brown fox jumps over the lazy dog"
puts "#{text.reverse} #{text.count('aeiou')}"
puts "area #{[Circle.new(15), Rectangle.new(20, 35), Rectangle.new(40, 40)].sum(&:area)}"
