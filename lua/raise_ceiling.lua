--[[
Allow places, or entry numbers, up to a ceiling that PostgreSQL has leased.

KEYS
  1 line  hash  epoch, ceiling, entry_ceiling

ARGV
  1 epoch     integer
  2 of        "ceiling" of places, or "entry_ceiling"
  3 ceiling   integer

RETURNS
  {'raised', ceiling}               never lower than before
  {'not_loaded'} {'fenced', epoch}  see includes/fence.lua

Safe to repeat: it only rises.
]]
--- @include fence

local line = KEYS[1]
local refusal = fence(line, ARGV[1])
if refusal then
  return refusal
end
local ceiling = math.max(tonumber(ARGV[3]), tonumber(redis.call('HGET', line, ARGV[2])))
redis.call('HSET', line, ARGV[2], ceiling)
return {'raised', ceiling}
