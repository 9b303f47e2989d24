--[[
Allow places up to a ceiling that PostgreSQL has leased.

KEYS
  1 line  hash  epoch, ceiling

ARGV
  1 epoch     integer
  2 ceiling   integer

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
local ceiling = math.max(tonumber(ARGV[2]), tonumber(redis.call('HGET', line, 'ceiling')))
redis.call('HSET', line, 'ceiling', ceiling)
return {'raised', ceiling}
