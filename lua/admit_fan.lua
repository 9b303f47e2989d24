--[[
Let a called fan in: one visit for each fan, and the same answer when asked again.

KEYS
  1 line       hash    epoch, serving of each lane
  2 calls      zset    see includes/cohorts.lua
  3 cohorts    hash    see includes/cohorts.lua
  4 claims     zset    fan_id, scored by the address that was claimed
  5 visits     zset    fan_id, scored by the end of the visit
  6 visit_ids  hash    fan_id -> visit_id:end
  7 device     string  set once this device proof (DPoP jti) has been spent

ARGV
  1 epoch      integer
  2 now_ms     integer or ""   see includes/now_ms.lua
  3 fan_id     string
  4 lane       string          the lane the place is in, "general" or one of the sale's
  5 place      integer
  6 visit_id   string          the name of a new visit
  7 visit_ms   integer         how long a visit lasts
  8 capacity   integer         fans inside at most; only who comes late has to wait for room
  9 answer_ms  integer         how long a called fan is expected before others get the room
  10 proof_id  string          names this very request; a repeat of it is not a replay
  11 spent_ms  integer         how long spent proofs are remembered

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
--- @include lane
--- @include cohorts
--- @include fans_inside

local line, calls, cohorts, claims, visits, visit_ids, device =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local refusal = fence(line, ARGV[1])
if refusal then
  return refusal
end
local now = now_ms(ARGV[2])
local fan_id, lane, place = ARGV[3], ARGV[4], tonumber(ARGV[5])
local visit_id, visit_ms = ARGV[6], tonumber(ARGV[7])
local capacity, answer_ms = tonumber(ARGV[8]), tonumber(ARGV[9])

local used_by = redis.call('GET', device)
if used_by and used_by ~= ARGV[10] then
  return {'replayed', 'device'}
end

local inside = fans_inside(visits, visit_ids, now)
local visit = redis.call('HGET', visit_ids, fan_id)
if visit and tonumber(redis.call('ZSCORE', visits, fan_id) or 0) > now then
  redis.call('SET', device, ARGV[10], 'PX', ARGV[11])
  local colon = string.find(visit, ':', 1, true)
  return {'admitted_before', string.sub(visit, 1, colon - 1), tonumber(string.sub(visit, colon + 1))}
end

local serving = tonumber(redis.call('HGET', line, lane_field('serving', lane)) or 0)
if place > serving then
  return {'not_called', place - serving - 1}
end
local address = lane_base(line, lane) + place
local cohort = cohort_that_called(calls, cohorts, address, now, answer_ms)
-- Room is kept for one visit: who has had theirs comes late, too, however early they come back.
if not cohort or redis.call('ZSCORE', claims, fan_id) then
  local open = calls_open(cohorts, now, answer_ms)
  if inside + open >= capacity then
    return {'full'}
  end
else
  cohort.claimed = math.min(cohort.called, cohort.claimed + 1)
  put_cohort(cohorts, cohort)
end

local ends_at = now + visit_ms
redis.call('SET', device, ARGV[10], 'PX', ARGV[11])
redis.call('ZADD', claims, address, fan_id)
redis.call('ZADD', visits, ends_at, fan_id)
redis.call('HSET', visit_ids, fan_id, visit_id .. ':' .. ends_at)
return {'admitted', visit_id, ends_at}
