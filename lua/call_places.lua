--[[
Move the serving number as far as it may go now. Any process may call this at any time: how far
depends on the moments stored here, not on who asks or how often.

A token bucket: tokens flow in at the admission rate up to the burst, a call costs one. And a capacity:
fans inside, plus calls that may still be answered, stay below it. Places that were never given (lost
with a Redis that crashed) are passed over free of charge.

KEYS
  1 line       hash  epoch, last_place, serving, tokens, at_ms, called (all calls ever)
  2 gaps       zset  last place of a gap, scored by its first
  3 calls      zset  serving number:calls so far, scored by the moment it was reached
  4 claims     zset  fan_id, scored by the place that was claimed
  5 visits     zset  fan_id, scored by the end of the visit
  6 visit_ids  hash  fan_id -> visit

ARGV
  1 epoch            integer
  2 now_ms           integer or ""   see includes/now_ms.lua
  3 rate_per_minute  integer         0: nobody is called, and no tokens flow
  4 burst            integer         tokens at most
  5 capacity         integer         fans inside at most
  6 answer_ms        integer         how long a called fan is expected before others get the room
  7 serving_seen     integer         the highest serving number the caller was told before; a Redis
                                     that lost its last second may know less, and must not go back

RETURNS
  {'line', serving, last_place, gap, inside, calls_open, called_now, called, claimed, now_ms}
       gap: how many of the places up to last_place were never given; called, claimed: all so far
  {'not_loaded'} {'fenced', epoch}  see includes/fence.lua

Safe to repeat: no time has passed, so no tokens have flowed, so nobody is called.
]]
--- @include now_ms
--- @include fence
--- @include line_state

local line, gaps, calls, claims, visits, visit_ids =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local refusal = fence(line, ARGV[1])
if refusal then
  return refusal
end
local now = now_ms(ARGV[2])
local rate_per_minute, burst = tonumber(ARGV[3]), tonumber(ARGV[4])
local capacity, answer_ms, serving_seen = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])

local stored = redis.call('HMGET', line, 'serving', 'last_place', 'tokens', 'at_ms', 'called')
local serving, last_place = tonumber(stored[1]), tonumber(stored[2])
local tokens, at = tonumber(stored[3] or 0), tonumber(stored[4] or now)
local called = tonumber(stored[5] or 0)
serving = math.max(serving, math.min(serving_seen, last_place))

-- A clock that stepped back gives nothing and takes nothing; what was reached later was reached by now.
local ahead = redis.call('ZREVRANGEBYSCORE', calls, '+inf', '(' .. now, 'LIMIT', 0, 1)
if ahead[1] then
  redis.call('ZREMRANGEBYSCORE', calls, now, '+inf')
  redis.call('ZADD', calls, now, ahead[1])
end
local elapsed = math.max(0, now - at)
tokens = tokens + elapsed * rate_per_minute / 60000
if tokens > burst then
  -- The begun one is kept: callers come between two tokens, and a slow rate would lose a part of each.
  tokens = burst + tokens % 1
end

local inside = fans_inside(visits, visit_ids, now)
local open, settled = calls_open(calls, claims, serving, called, now, answer_ms)
local room = math.max(0, capacity - inside - open)
local may_call = rate_per_minute > 0 and math.min(math.floor(tokens), room) or 0

local called_now = 0
-- Between two gaps, and over them; a recovery makes one gap, so there are few.
for _ = 1, 100 do
  local gap = redis.call('ZRANGEBYSCORE', gaps, '-inf', serving + 1, 'LIMIT', 0, 1)
  if gap[1] then
    serving = math.max(serving, tonumber(gap[1]))
    redis.call('ZREM', gaps, gap[1])
  else
    local next_gap = redis.call('ZRANGE', gaps, 0, 0, 'WITHSCORES')
    local until_place = next_gap[2] and math.min(last_place, tonumber(next_gap[2]) - 1) or last_place
    local step = math.min(may_call - called_now, until_place - serving)
    if step <= 0 then
      break
    end
    serving = serving + step
    called_now = called_now + step
  end
end

if called_now > 0 or serving ~= tonumber(stored[1]) then
  redis.call('ZREMRANGEBYSCORE', calls, now, now)
  redis.call('ZADD', calls, now, serving .. ':' .. (called + called_now))
  -- The newest that is older than the answering time stays as the mark; what is before it has no use.
  local mark = redis.call('ZREVRANGEBYSCORE', calls, now - answer_ms, '-inf', 'WITHSCORES', 'LIMIT', 0, 1)
  if mark[2] then
    redis.call('ZREMRANGEBYSCORE', calls, '-inf', '(' .. mark[2])
  end
  open = open + called_now
end
redis.call('HSET', line, 'serving', serving, 'tokens', tostring(tokens - called_now), 'at_ms', now,
  'called', called + called_now)

local gap_total = 0
local rest = redis.call('ZRANGE', gaps, 0, -1, 'WITHSCORES')
for position = 1, #rest, 2 do
  gap_total = gap_total + tonumber(rest[position]) - tonumber(rest[position + 1]) + 1
end
return {'line', serving, last_place, gap_total, inside, open, called_now, called + called_now,
  redis.call('ZCARD', claims), now}
