--[[
Let a called fan in: one visit for each fan, and the same answer when asked again.

KEYS
  1 line       hash    epoch, serving, called
  2 calls      zset    serving number:calls so far, scored by the moment it was reached
  3 claims     zset    fan_id, scored by the place that was claimed
  4 visits     zset    fan_id, scored by the end of the visit
  5 visit_ids  hash    fan_id -> visit_id:end
  6 device     string  set once this device proof (DPoP jti) has been spent

ARGV
  1 epoch      integer
  2 now_ms     integer or ""   see includes/now_ms.lua
  3 fan_id     string
  4 place      integer
  5 visit_id   string          the name of a new visit
  6 visit_ms   integer         how long a visit lasts
  7 capacity   integer         fans inside at most; only who comes late has to wait for room
  8 answer_ms  integer         how long a called fan is expected before others get the room
  9 proof_id   string          names this very request; a repeat of it is not a replay
  10 spent_ms  integer         how long spent proofs are remembered

RETURNS
  {'admitted', visit_id, ends_at_ms}        the visit begins
  {'admitted_before', visit_id, ends_at_ms} it goes on
  {'not_called', ahead}                     places before the fan's
  {'full'}                                  the fan came late, or comes back, and others have the room
  {'replayed', what}                        the device proof was used before
  {'not_loaded'} {'fenced', epoch}          see includes/fence.lua

Safe to repeat: a fan who is inside gets the visit they have.
]]
--- @include now_ms
--- @include fence
--- @include line_state

local line, calls, claims, visits, visit_ids, device =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local refusal = fence(line, ARGV[1])
if refusal then
  return refusal
end
local now = now_ms(ARGV[2])
local fan_id, place = ARGV[3], tonumber(ARGV[4])
local visit_id, visit_ms = ARGV[5], tonumber(ARGV[6])
local capacity, answer_ms = tonumber(ARGV[7]), tonumber(ARGV[8])

local used_by = redis.call('GET', device)
if used_by and used_by ~= ARGV[9] then
  return {'replayed', 'device'}
end

local inside = fans_inside(visits, visit_ids, now)
local visit = redis.call('HGET', visit_ids, fan_id)
if visit and tonumber(redis.call('ZSCORE', visits, fan_id) or 0) > now then
  redis.call('SET', device, ARGV[9], 'PX', ARGV[10])
  local colon = string.find(visit, ':', 1, true)
  return {'admitted_before', string.sub(visit, 1, colon - 1), tonumber(string.sub(visit, colon + 1))}
end

local stored = redis.call('HMGET', line, 'serving', 'called')
local serving, called = tonumber(stored[1]), tonumber(stored[2] or 0)
if place > serving then
  return {'not_called', place - serving - 1}
end
local open, settled = calls_open(calls, claims, serving, called, now, answer_ms)
-- Room is kept for one visit: who has had theirs comes late, too, however early they come back.
local is_late = place <= settled or redis.call('ZSCORE', claims, fan_id)
if is_late and inside + open >= capacity then
  return {'full'}
end

local ends_at = now + visit_ms
redis.call('SET', device, ARGV[9], 'PX', ARGV[10])
redis.call('ZADD', claims, place, fan_id)
redis.call('ZADD', visits, ends_at, fan_id)
redis.call('HSET', visit_ids, fan_id, visit_id .. ':' .. ends_at)
return {'admitted', visit_id, ends_at}
