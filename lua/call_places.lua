--[[
Move the serving numbers as far as they may go now. Any process may call this at any time: how far
depends on the moments stored here, not on who asks or how often.

A token bucket: tokens flow in at the admission rate up to the burst, a call costs one. The rate is the
asked one times the health of the shop. A capacity: fans inside, plus calls that may still be answered,
stay below it. And the stock: no more are called than it can serve. Lanes are called in order.

KEYS
  1 line       hash  epoch; last_place, serving and called of each lane; tokens, at_ms; health
  2 gaps       zset  last address of a gap, scored by its first: see includes/lane.lua
  3 calls      zset  see includes/cohorts.lua
  4 cohorts    hash  see includes/cohorts.lua
  5 claims     zset  fan_id, scored by the address that was claimed
  6 visits     zset  fan_id, scored by the end of the visit
  7 visit_ids  hash  fan_id -> visit

ARGV
  1 epoch            integer
  2 now_ms           integer or ""   see includes/now_ms.lua
  3 rate_per_minute  integer         0: nobody is called, and no tokens flow
  4 burst            integer         tokens at most
  5 capacity         integer         fans inside at most
  6 answer_ms        integer         how long a called fan is expected before others get the room
  7 lanes            JSON array      of [lane, serving_seen] in order of precedence, "general" last;
                                     serving_seen: the highest serving number the caller was told
                                     before; a Redis that lost its last second may know less
  8 seats_left       integer or ""   seats nobody has yet; "" when nobody knows
  9 seats_per_fan    decimal         how many of them a fan inside takes
  10 answers_good    integer         what the shop answered to the caller's fans since it called last
  11 answers_bad     integer         and how many of its answers were late or wrong

RETURNS
  {'line', now_ms, inside, calls_open, called_now, called, claimed, limit, rate, no_show, health, lanes}
       limit: what holds the calls now: rate, health, capacity, stock, demand or paused
       rate: tokens a minute now; no_show: the part of calls that nobody answers, in thousandths
       health: in thousandths; called, claimed: all so far
       lanes: for each {lane, serving, last_place, gap, called}, gap: how many of the places up to
       last_place were never given
  {'not_loaded'} {'fenced', epoch}  see includes/fence.lua

Safe to repeat: no time has passed, so no tokens have flowed, so nobody is called.
]]
--- @include now_ms
--- @include fence
--- @include lane
--- @include cohorts
--- @include fans_inside
--- @include health
--- @include serve_lane

local keys = {
  line = KEYS[1], gaps = KEYS[2], calls = KEYS[3], cohorts = KEYS[4], claims = KEYS[5],
  visits = KEYS[6], visit_ids = KEYS[7],
}
local line = keys.line
local refusal = fence(line, ARGV[1])
if refusal then
  return refusal
end
local now = now_ms(ARGV[2])
local rate_asked, burst = tonumber(ARGV[3]), tonumber(ARGV[4])
local capacity, answer_ms = tonumber(ARGV[5]), tonumber(ARGV[6])
local seats_left, seats_per_fan = tonumber(ARGV[8]), tonumber(ARGV[9])
local health = health_now(line, now, tonumber(ARGV[10]), tonumber(ARGV[11]))
local rate = math.ceil(rate_asked * health / 1000)

local stored = redis.call('HMGET', line, 'tokens', 'at_ms', 'cohort', 'called_in_all')
local tokens, at = tonumber(stored[1] or 0), tonumber(stored[2] or now)
local newest, called_in_all = tonumber(stored[3] or 0), tonumber(stored[4] or 0)

local lanes, waiting = {}, 0
for _, given in ipairs(cjson.decode(ARGV[7])) do
  local name, seen = given[1], given[2]
  local lane = {name = name, base = open_lane(line, name)}
  local found = redis.call('HMGET', line, lane_field('serving', name), lane_field('last_place', name),
    lane_field('called', name))
  lane.last_place, lane.called = tonumber(found[2]), tonumber(found[3] or 0)
  lane.serving = math.max(tonumber(found[1]), math.min(seen, lane.last_place))
  lane.called_up_to = lane.serving
  lanes[#lanes + 1] = lane
end

local elapsed = math.max(0, now - at)
tokens = tokens + elapsed * rate / 60000
if tokens > burst then
  -- The begun one is kept: callers come between two tokens, and a slow rate would lose a part of each.
  tokens = burst + tokens % 1
end

-- A cohort that nobody waits for any longer is dropped, and its rows with it.
local cohorts, open, oldest = read_cohorts(keys.cohorts), 0, nil
for _, cohort in ipairs(cohorts) do
  if cohort.began > now then -- a clock stepped back: what was called later was called by now
    cohort.began = now
    put_cohort(keys.cohorts, cohort)
  end
  if is_settled(cohort, now, answer_ms) then
    redis.call('HDEL', keys.cohorts, cohort.number)
  else
    oldest = oldest or cohort.number
    open = open + cohort.called - cohort.claimed
  end
end

local inside = fans_inside(keys.visits, keys.visit_ids, now)
local room = math.max(0, capacity - inside - open)
local served = seats_left and math.max(0, math.floor(seats_left / seats_per_fan) - inside - open)
local wanted = rate > 0 and math.floor(tokens) or 0
local may_call = math.min(wanted, room, served or wanted)

local last = cohorts[#cohorts]
if may_call > 0 and not (last and last.number == newest and now - last.began < cohort_span_ms(answer_ms)) then
  newest = newest + 1
  last = {number = newest, began = now, called = 0, claimed = 0, passed = 0, counted = 0}
end
local called_now, answer_lanes = 0, {}
for _, lane in ipairs(lanes) do
  forget_rows(keys, lane, oldest or newest)
  called_now = called_now + serve_lane(keys, lane, may_call - called_now, newest)
  redis.call('HSET', line, lane_field('serving', lane.name), lane.serving,
    lane_field('called', lane.name), lane.called)
  local gap = gap_total(keys, lane)
  waiting = waiting + math.max(0, lane.last_place - lane.serving - gap)
  answer_lanes[#answer_lanes + 1] = {lane.name, lane.serving, lane.last_place, gap, lane.called}
end
if called_now > 0 then
  last.called = last.called + called_now
  put_cohort(keys.cohorts, last)
end
redis.call('HSET', line, 'tokens', string.format('%.17g', tokens - called_now), 'at_ms', now,
  'cohort', newest, 'called_in_all', called_in_all + called_now)

local limit = health < 1000 and 'health' or 'rate'
if rate_asked == 0 then
  limit = 'paused'
elseif waiting == 0 then
  limit = 'demand'
elseif may_call < wanted then
  limit = room == may_call and 'capacity' or 'stock'
end
return {'line', now, inside, open + called_now, called_now, called_in_all + called_now,
  redis.call('ZCARD', keys.claims), limit, rate, 0, health, answer_lanes}
