local t = {}
for n = 1, 100000 do t[n] = (n * 7919) % 100003 end
table.sort(t)
print(t[1], t[50000], t[100000])
local co = coroutine.wrap(function() for n = 1, 5 do coroutine.yield(n * n) end end)
print(co(), co(), co(), co(), co())
print(pcall(error, "caught"))
print(os.execute("exit 3"))
print(os.execute("kill -TERM $$"))
local p = io.popen("tr a-z A-Z; exit 4", "w") p:write("through popen\n") print(p:close())
local name = os.tmpname()
local f = assert(io.open(name, "w")) f:write("x" .. string.rep("y", 10000)) f:close()
print(#io.open(name):read("a"), os.remove(name))
local function deep(n) return n == 0 and 0 or 1 + deep(n - 1) end
print(deep(10000), (pcall(deep, 1e9)))
collectgarbage()
os.exit(5)
