--[[
Keep the visits of fans who were seen; whoever is silent for long ends on its own.

KEYS
  1 line       hash  epoch
  2 visits     zset  fan_id, scored by the end of the visit
  3 visit_ids  hash  fan_id -> visit_id:end of the pass

ARGV
  1 epoch      integer
  2 now_ms     integer or ""   see includes/now_ms.lua
  3 silent_ms  integer         how long a visit outlives its last request
  4 fan_ids    JSON array      who was seen

RETURNS
  {'touched', count}                how many of them are inside
  {'not_loaded'} {'fenced', epoch}  see includes/fence.lua

Safe to repeat: ends are counted from now and never pass the end of the pass. A visit that has ended
stays ended: its room may be another's by now.
]]
--- @include now_ms
--- @include fence

local line, visits, visit_ids = KEYS[1], KEYS[2], KEYS[3]
local refusal = fence(line, ARGV[1])
if refusal then
  return refusal
end
local now, silent_ms = now_ms(ARGV[2]), tonumber(ARGV[3])
local count = 0
for _, fan_id in ipairs(cjson.decode(ARGV[4])) do
  local visit = redis.call('HGET', visit_ids, fan_id)
  if visit and tonumber(redis.call('ZSCORE', visits, fan_id) or 0) > now then
    local pass_ends_at = tonumber(string.match(visit, ':(%d+)$'))
    redis.call('ZADD', visits, 'XX', math.min(pass_ends_at, now + silent_ms), fan_id)
    count = count + 1
  end
end
return {'touched', count}
