--[[
Allow places, or entry numbers, up to a ceiling that PostgreSQL has leased.

KEYS
  1 line  hash  epoch, entry_ceiling; ceiling of each lane

ARGV
  1 epoch     integer
  2 of        "ceiling" of places in the general line, "ceiling:lane" in a lane, or "entry_ceiling"
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
local ceiling = math.max(tonumber(ARGV[3]), tonumber(redis.call('HGET', line, ARGV[2]) or 0))
redis.call('HSET', line, ARGV[2], ceiling)
return {'raised', ceiling}
