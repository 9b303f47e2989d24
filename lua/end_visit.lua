--[[
End a fan's visit, so that the next fan may be called at once.

KEYS
  1 line       hash  epoch, unseen
  2 visits     zset  fan_id, scored by the end of the visit
  3 visit_ids  hash  fan_id -> visit_id:end
  4 faults     hash  see includes/faults.lua; who leaves needs no way back

ARGV
  1 epoch    integer
  2 fan_id   string

RETURNS
  {'ended', count}                  0: there was none
  {'not_loaded'} {'fenced', epoch}  see includes/fence.lua

Safe to repeat: the second time there is nothing to end.
]]
--- @include fence
--- @include fans_inside
--- @include faults

local line, visits, visit_ids, faults = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local refusal = fence(line, ARGV[1])
if refusal then
  return refusal
end
-- The name stays without an end, so that nobody takes a visit that has ended for one that was lost.
if not redis.call('HGET', visit_ids, ARGV[2]) then
  redis.call('HSET', visit_ids, ARGV[2], 'ended:0')
  seen_again(line)
end
use_credit(faults, ARGV[2])
return {'ended', redis.call('ZREM', visits, ARGV[2])}
