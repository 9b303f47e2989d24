--[[
Let a called fan in: one visit for each fan, and the same answer when asked again.

Who answers a call takes a token, and enters as soon as it has flowed in. Room was kept for them. Who
comes late, or comes back, has to wait for room, in the order in which they came, but before anybody
else is called; and those first whom we failed while they were inside.

KEYS
  1 line       hash    epoch, serving of each lane, the bucket
  2 calls      zset    see includes/cohorts.lua
  3 cohorts    hash    see includes/cohorts.lua
  4 claims     zset    fan_id, scored by the address that was claimed
  5 visits     zset    fan_id, scored by the end of the visit
  6 visit_ids  hash    fan_id -> visit_id:end
  7 turnstile       zset    see includes/turnstile.lua
  8 late       zset    see includes/turnstile.lua
  9 asked      zset    see includes/turnstile.lua
  10 moved     hash    lane/fan_id of places that are another device's by now: see move_place.lua
  11 faults    hash    see includes/faults.lua
  12 device    string  set once this device proof (DPoP jti) has been spent
  13 own       hash    see includes/limits.lua: how often the fan has asked
  14 again     hash    see includes/limits.lua: how often they came back after their visit

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
  12 limits    json array      rows of whose, kind, every_ms, burst
  13 again     json array      such rows, of `own` alone

RETURNS
  {'admitted', visit_id, ends_at_ms}        the visit begins
  {'admitted_before', visit_id, ends_at_ms} it goes on
  {'not_called', ahead}                     places before the fan's
  {'soon', wait_ms}                         the fan's token flows in by then
  {'full', ahead}                           so many others came late and get room first
  {'moved'}                                 the place was moved to another device
  {'replayed', what}                        the device proof was used before
  {'used_up', wait_ms, whose}               the fan asks far more often than they are told to, or `again`:
                                            has come back from too many visits
  {'not_loaded'} {'fenced', epoch}          see includes/fence.lua

Safe to repeat: a fan who is inside gets the visit they have, one at the turnstile the same token.
]]
--- @include now_ms
--- @include fence
--- @include lane
--- @include tokens
--- @include cohorts
--- @include fans_inside
--- @include faults
--- @include limits

local line, calls, cohorts, claims, visits, visit_ids = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local turnstile, late, asked, moved, faults, device =
  KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12]
local refusal = fence(line, ARGV[1])
if refusal then
  return refusal
end
local now = now_ms(ARGV[2])
local fan_id, lane, place = ARGV[3], ARGV[4], tonumber(ARGV[5])
local visit_id, visit_ms = ARGV[6], tonumber(ARGV[7])
local capacity, answer_ms = tonumber(ARGV[8]), tonumber(ARGV[9])

if redis.call('HEXISTS', moved, lane .. '/' .. fan_id) == 1 then
  return {'moved'}
end
local used_by = redis.call('GET', device)
if used_by and used_by ~= ARGV[10] then
  return {'replayed', 'device'}
end

local own_keys, limits = {own = KEYS[13]}, cjson.decode(ARGV[12])
local seen = look_at_limits(own_keys, limits, now)
if seen.used_up then
  return {'used_up', seen.wait, seen.used_up}
end
spend_limits(own_keys, limits, seen, now)

local inside = fans_inside(line, visits, now)
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
redis.call('SET', device, ARGV[10], 'PX', ARGV[11])
local address, bucket = lane_base(line, lane) + place, bucket_now(line, now)
local calls_now = now - bucket.paused_ms
local token = tonumber(redis.call('ZSCORE', turnstile, fan_id))
if not token then
  local cohort = cohort_that_called(calls, cohorts, address, calls_now, answer_ms)
  -- Room is kept for one visit: who has had theirs comes late, too, however early they come back.
  if cohort and not redis.call('ZSCORE', claims, fan_id) then
    cohort.claimed = math.min(cohort.called, cohort.claimed + 1)
    put_cohort(cohorts, cohort)
  else
    local is_first = has_credit(faults, fan_id, now)
    -- Who leaves and comes back takes the token of somebody new: without a bound, a few in turn take all.
    local again_keys, again = {own = KEYS[14]}, cjson.decode(ARGV[13])
    local returns = look_at_limits(again_keys, again, now)
    local is_return = visit and not is_first
    if is_return and returns.used_up then
      return {'used_up', returns.wait, 'again'}
    end
    local came = is_first and now - HEAD_START_MS or now
    local ahead = redis.call('ZRANK', late, fan_id)
      or is_first and redis.call('ZCOUNT', late, '-inf', came) or redis.call('ZCARD', late)
    local taken = inside + calls_open(cohorts, calls_now, answer_ms) + redis.call('ZCARD', turnstile)
    if taken + ahead >= capacity then
      redis.call('ZADD', late, 'NX', came, fan_id)
      redis.call('ZADD', asked, now, fan_id)
      return {'full', ahead}
    end
    redis.call('ZREM', late, fan_id)
    use_credit(faults, fan_id)
    if is_return then
      spend_limits(again_keys, again, returns, now)
    end
  end
  token = bucket.spent + TOKEN_UNITS
  redis.call('HSET', line, 'spent', token)
  redis.call('ZADD', claims, address, fan_id)
  redis.call('ZADD', turnstile, token, fan_id)
elseif token == 0 then
  redis.call('HSET', line, 'spent', bucket.spent + TOKEN_UNITS)
end
local lacking = token - bucket.flow
if lacking > bucket.rate * EARLY_MS then
  redis.call('ZADD', asked, now, fan_id)
  return {'soon', math.ceil(lacking / math.max(1, bucket.rate))}
end

local ends_at = now + visit_ms
redis.call('ZREM', turnstile, fan_id)
redis.call('ZREM', asked, fan_id)
redis.call('ZADD', visits, ends_at, fan_id)
redis.call('HSET', visit_ids, fan_id, visit_id .. ':' .. ends_at)
redis.call('HINCRBY', line, 'admitted', 1)
return {'admitted', visit_id, ends_at}
