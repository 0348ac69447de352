-- Reads a configuration written in Nix, and is told why another one is none.
local frazil = require "frazil_lua"

print(frazil.eval("{ ports = map (n: n + 8000) [ 1 2 ]; }"))

local value, code, report = frazil.eval("builtins.readFile /etc/passwd")
assert(value == nil and code == "restricted", report)
print(code)

local _, stopped = frazil.eval("let f = s: n: if n == 0 then s else f (s + s) (n - 1); in f \"12345678\" 40",
  '{ "limits": { "memory": "64MiB" } }')
print(stopped)
