--[[
End the taking of entries: who joins from now on gets a place behind everybody in the roster.

No place was given while entries were taken, but for those that a lost Redis may have given after it
had sealed, before PostgreSQL knew. They lie in a gap behind the roster's places.

KEYS
  1 line           hash  epoch, entering, last_entry, last_place
  2 entry_numbers  hash  fan_id -> entry number
  3 gaps           zset  last address of a gap, scored by its first: see includes/lane.lua

ARGV
  1 epoch   integer

RETURNS
  {'sealed', last_entry, entries}         no entry number above the last one was, or will be, given
  {'sealed_before', last_entry, entries}
  {'not_loaded'} {'fenced', epoch}        see includes/fence.lua

Safe to repeat: it is sealed once.
]]
--- @include fence
--- @include lane

local line, entry_numbers, gaps = KEYS[1], KEYS[2], KEYS[3]
local refusal = fence(line, ARGV[1])
if refusal then
  return refusal
end
local stored = redis.call('HMGET', line, 'entering', 'last_entry', 'last_place')
local last_entry, last_place = tonumber(stored[2] or 0), tonumber(stored[3])
local count = redis.call('HLEN', entry_numbers)
if stored[1] ~= '1' then
  return {'sealed_before', last_entry, count}
end
-- Lanes give places all along and keep their gaps.
redis.call('ZREMRANGEBYSCORE', gaps, '-inf', string.format('(%d', LANE_SPAN))
if last_place > count then
  redis.call('ZADD', gaps, count + 1, last_place)
end
redis.call('HSET', line, 'entering', 0, 'last_place', math.max(last_place, count))
return {'sealed', last_entry, count}
