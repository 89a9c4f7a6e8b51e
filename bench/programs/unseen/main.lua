-- Orders of a small workshop: read, checked, planned, routed and summed up. Nothing that a rehearsal does.
local log <const> = [[
2024-02-27 order=17 item="oak table" price=349.50 days=9 by=Ines
2024-02-28 order=18 item="pine shelf" price=89.00 days=3 by=Tom
2024-02-29 order=19 item="walnut desk" price=oops days=12 by=Ada
2024-03-01 order=20 item="ash chair" price=120.25 days=5 by=Ines
garbage in the middle
2024-03-04 order=21 item="oak bench" price=210.00 days=7 by=Tom
]]
local roads = { yard = { "mill", "gate" }, gate = { "town", "ford" }, mill = { "ford" }, ford = { "hill" }, town = { "hill", "port" }, hill = { "port" } }

local BadLine = setmetatable({}, { __call = function(class, number, why)
    return setmetatable({ number = number, why = why }, class)
end })
BadLine.__index = BadLine
function BadLine:__tostring() return ("line %d: %s"):format(self.number, self.why) end

local Order = {}
Order.__index = Order
function Order.__lt(a, b) return a.due < b.due or a.due == b.due and a.id < b.id end

local Heap = {}
Heap.__index = Heap
function Heap.new() return setmetatable({}, Heap) end
function Heap:push(item)
    local at = #self + 1
    self[at] = item
    while at > 1 and self[at] < self[at // 2] do
        self[at], self[at // 2] = self[at // 2], self[at]
        at = at // 2
    end
end
function Heap:pop()
    local least, at = self[1], 1
    self[1] = self[#self]
    self[#self] = nil
    while 2 * at <= #self do
        local child = 2 * at
        if child < #self and self[child + 1] < self[child] then child = child + 1 end
        if not (self[child] < self[at]) then break end
        self[at], self[child] = self[child], self[at]
        at = child
    end
    return least
end

local function parse(number, line)
    local day, id, item, price, days, by = line:match('^(%d+%-%d+%-%d+) order=(%d+) item="([^"]+)" price=(%S+) days=(%d+) by=(%a+)$')
    if not day then error(BadLine(number, ("not an order: %q"):format(line:sub(1, 12)))) end
    local cents = math.tointeger((tonumber(price) or error(BadLine(number, "no price"))) * 100 // 1)
    local y, m, d = day:match("(%d+)-(%d+)-(%d+)")
    local due = os.time { year = y, month = m, day = d + days, hour = 12 }
    return setmetatable({ due = due, id = math.tointeger(id), item = item, cents = cents, by = by }, Order)
end

local function json(value)
    if type(value) ~= "table" then return type(value) == "string" and ('"%s"'):format(value:gsub('["\\]', "\\%0")) or tostring(value) end
    local parts = {}
    if #value > 0 then
        for i, item in ipairs(value) do parts[i] = json(item) end
        return "[" .. table.concat(parts, ",") .. "]"
    end
    local keys = {}
    for key in pairs(value) do keys[#keys + 1] = key end
    table.sort(keys)
    for i, key in ipairs(keys) do parts[i] = json(key) .. ":" .. json(value[key]) end
    return "{" .. table.concat(parts, ",") .. "}"
end

local function common(a, b)
    local best = {}
    for i = 0, #a do
        best[i] = {}
        for j = 0, #b do
            if i == 0 or j == 0 then
                best[i][j] = ""
            elseif a:byte(i) == b:byte(j) then
                best[i][j] = best[i - 1][j - 1] .. a:sub(i, i)
            else
                best[i][j] = #best[i - 1][j] >= #best[i][j - 1] and best[i - 1][j] or best[i][j - 1]
            end
        end
    end
    return best[#a][#b]
end

local function breadth_first(from)
    return coroutine.wrap(function()
        local queue, seen, head = { from }, { [from] = true }, 1
        while head <= #queue do
            for _, step in ipairs(roads[queue[head]] or {}) do
                if not seen[step] then
                    seen[step] = true
                    queue[#queue + 1] = step
                    coroutine.yield(queue[head], step)
                end
            end
            head = head + 1
        end
    end)
end

local orders, number = Heap.new(), 0
for line in log:gmatch("[^\n]+") do
    number = number + 1
    local good, result = pcall(parse, number, line)
    if good then orders:push(result) else print(tostring(result), getmetatable(result) == BadLine) end
end
local plan, earned = {}, {}
while #orders > 0 do plan[#plan + 1] = orders:pop() end
for _, order in ipairs(plan) do
    earned[order.by] = (earned[order.by] or 0) + order.cents
    print(("%s %-12s %8.2f %s"):format(os.date("!%a %d %b", order.due), order.item:gsub("%f[%a]%a", string.upper), order.cents / 100, order.by))
end
table.sort(plan, function(a, b) return a.cents > b.cents end)
print(#json(plan), json(earned), plan[1].item, utf8.len("naïve café"), string.pack(">I4", plan[1].cents):byte(1, -1))
local came = {}
for place, step in breadth_first("yard") do came[step] = place end
local path = { "port" }
while came[path[1]] do table.insert(path, 1, came[path[1]]) end
print(common("sandbox of the walnut", "box and the wallet"), table.concat(path, "->"), select("#", table.unpack(path)))
