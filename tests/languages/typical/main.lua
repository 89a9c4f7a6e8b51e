local Circle, Rectangle = {}, {}
Circle.__index, Rectangle.__index = Circle, Rectangle

function Circle.new(radius) return setmetatable({radius = radius}, Circle) end
function Circle:area() return self.radius * self.radius * 314159 // 100000 end
function Rectangle.new(width, height) return setmetatable({width = width, height = height}, Rectangle) end
function Rectangle:area() return self.width * self.height end

local function top(lines, n)
  local entries, list = {}, {}
  for line in lines do
    local word, value = line:match("(%S+) (%S+)")
    local entry = entries[word]
    if not entry then
      entry = {word = word, total = 0, count = 0}
      entries[word] = entry
      list[#list + 1] = entry
    end
    entry.total = entry.total + math.tointeger(value)
    entry.count = entry.count + 1
  end
  table.sort(list, function(a, b)
    if a.total ~= b.total then return a.total > b.total end
    return a.word < b.word
  end)
  return {table.unpack(list, 1, n)}
end

local function primes(limit)
  local composite, found = {}, {}
  for i = 2, limit - 1 do
    if not composite[i] then
      found[#found + 1] = i
      for j = i * i, limit - 1, i do composite[j] = true end
    end
  end
  return found
end

local memo = {}
local function fib(n)
  if n < 2 then return n end
  if not memo[n] then memo[n] = fib(n - 1) + fib(n - 2) end
  return memo[n]
end

local function trace(n)
  local a, sum = {}, 0
  for i = 0, n - 1 do
    a[i] = {}
    for j = 0, n - 1 do a[i][j] = i * j % 7 end
  end
  for i = 0, n - 1 do
    for k = 0, n - 1 do sum = sum + a[i][k] * a[k][i] end
  end
  return sum
end

for _, entry in ipairs(top(io.lines(), 5)) do print(entry.word .. " " .. entry.total .. " " .. entry.count) end
local found = primes(20000)
print(("primes %d %d"):format(#found, found[#found]))
print("fib " .. fib(70))
print("trace " .. trace(20))
local text = "the quick brown fox jumps over the lazy dog"
print(text:reverse() .. " " .. select(2, text:gsub("[aeiou]", "")))
local area = 0
for _, shape in ipairs {Circle.new(15), Rectangle.new(20, 35), Rectangle.new(40, 40)} do area = area + shape:area() end
print("area " .. area)
