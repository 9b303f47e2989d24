--[[
Say whether a visit goes on whose pass has ended: it does when we gave the fan time since.

KEYS
  1 line       hash  epoch, unseen, the epoch's outages
  2 visits     zset  fan_id, scored by the end of the visit
  3 visit_ids  hash  fan_id -> visit_id:end of the pass

ARGV
  1 epoch         integer
  2 now_ms        integer or ""   see includes/now_ms.lua
  3 fan_id        string
  4 visit_id      string          the visit that the pass names
  5 pass_ends_at  integer         when the pass ended by its own word

RETURNS
  {'goes_on', ends_at_ms}           it ends then
  {'ended'}                         or another one has begun
  {'not_loaded'} {'fenced', epoch}  see includes/fence.lua

Safe to repeat: the end is the one that is stored, or the pass's own and the epoch's outages.
]]
--- @include now_ms
--- @include fence
--- @include fans_inside
--- @include frozen

local line, visits, visit_ids = KEYS[1], KEYS[2], KEYS[3]
local refusal = fence(line, ARGV[1])
if refusal then
  return refusal
end
local now, fan_id, visit_id = now_ms(ARGV[2]), ARGV[3], ARGV[4]

local visit = redis.call('HGET', visit_ids, fan_id)
if not visit then
  -- From before a loss.
  local ends_at = thawed_end(line, tonumber(ARGV[5]))
  if ends_at <= now then
    return {'ended'}
  end
  redis.call('HSET', visit_ids, fan_id, string.format('%s:%d', visit_id, ends_at))
  redis.call('ZADD', visits, ends_at, fan_id)
  seen_again(line)
  return {'goes_on', ends_at}
end
local known_id, ends_at = string.match(visit, '^(.*):(%d+)$')
if known_id ~= visit_id or tonumber(redis.call('ZSCORE', visits, fan_id) or 0) <= now then
  return {'ended'}
end
return {'goes_on', tonumber(ends_at)}
