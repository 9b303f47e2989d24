--[[
Move the serving numbers as far as they may go now. Any process may call this at any time: how far
depends on the moments stored here, not on who asks or how often.

Fans are called so that they come to the turnstile as fast as tokens flow in, whatever part of them does not
come: see includes/tokens.lua and includes/calls_wanted.lua. The rate is the asked one times the health
of the shop. Fans inside, at the turnstile and called stay below the capacity, and below what the stock can
serve. Lanes are called in order, and in a lane nobody is passed over. A time in which nobody could move the
line is made good to everybody inside or called: see includes/freeze_clocks.lua. While nobody may be called the
called are not let in either, so their time to answer stands still.

KEYS
  1 line       hash  epoch; each lane's last_place, serving, called; the bucket, the answers, health
  2 gaps       zset  last address of a gap, scored by its first: see includes/lane.lua
  3 calls      zset  see includes/cohorts.lua
  4 cohorts    hash  see includes/cohorts.lua
  5 claims     zset  fan_id, scored by the address that was claimed
  6 visits     zset  fan_id, scored by the end of the visit
  7 turnstile       zset  see includes/turnstile.lua
  8 late       zset  see includes/turnstile.lua
  9 asked      zset  see includes/turnstile.lua
  10 visit_ids  hash  fan_id -> visit_id:end

ARGV
  1 epoch            integer
  2 now_ms           integer or ""   see includes/now_ms.lua
  3 rate_per_minute  integer         0: nobody is called, and no tokens flow
  4 burst            integer         tokens that are kept at most while nobody takes them
  5 capacity         integer         fans inside at most
  6 answer_ms        integer         how long a called fan is expected before others get the room
  7 lanes            JSON array      of [lane, serving_seen] in order of precedence, "general" last;
                                     serving_seen: the highest serving number the caller was told
                                     before; a Redis that lost its last second may know less
  8 seats_left       integer or ""   seats nobody has yet; "" when nobody knows
  9 seats_per_fan    decimal         how many of them a fan inside takes
  10 answers_good    integer         what the shop answered to the caller's fans since it called last
  11 answers_bad     integer         and how many of its answers were late or wrong
  12 away_ms         integer         how long the caller could not move the line

RETURNS
  {'line', now_ms, inside, calls_open, called_now, called, claimed, limit, rate, no_show, health,
       admitted, at_turnstile, late, lanes, frozen_ms}
       limit: what holds the calls now: rate, health, capacity, stock, demand or paused
       rate: tokens a minute now; no_show: the part of calls that nobody answers, in thousandths
       health: in thousandths; called, claimed, admitted: all so far
       at_turnstile, late: how many wait there for a token, and for room
       lanes: for each {lane, serving, last_place, gaps, called, kept}, gaps: {first, last} of places yet
       to be reached that were never given, in order; kept: for which called places room is kept, see room_kept in
       includes/serve_lane.lua
       frozen_ms: how much later visits and calls end since this call, for an outage is over
  {'not_loaded'} {'fenced', epoch}  see includes/fence.lua

Safe to repeat: those called are expected, so without time passing nobody else is called.
]]
--- @include now_ms
--- @include fence
--- @include lane
--- @include tokens
--- @include cohorts
--- @include answers
--- @include calls_wanted
--- @include fans_inside
--- @include turnstile
--- @include frozen
--- @include freeze_clocks
--- @include health
--- @include serve_lane

local keys = {
  line = KEYS[1], gaps = KEYS[2], calls = KEYS[3], cohorts = KEYS[4], claims = KEYS[5],
  visits = KEYS[6], turnstile = KEYS[7], late = KEYS[8], asked = KEYS[9], visit_ids = KEYS[10],
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

local frozen_ms = freeze_clocks(keys, now, tonumber(ARGV[12]))
drop_ended(keys.visits, now)

-- What flowed until now did so by the rate of the last tick; from here on it is the new one.
local bucket = bucket_now(line, now)
if rate_asked > 0 and bucket.rate == 0 then
  wait_for_all_again(keys, now)
elseif rate_asked > 0 then
  bucket.spent = bucket.spent - forget_the_gone(keys, bucket, now) * TOKEN_UNITS
end
local held_ms = math.max(0, bucket.paused_ms - frozen_ms)
local health = health_now(line, now, tonumber(ARGV[10]), tonumber(ARGV[11]))
bucket.rate, bucket.burst = math.ceil(rate_asked * health / 1000), burst
local emptiest = bucket.flow - burst * TOKEN_UNITS
bucket.spent = bucket.is_new and emptiest or math.max(bucket.spent, emptiest)

-- Cohorts grow older, but not in a pause; the settled ones are not waited for any longer.
local span, bins = cohort_span_ms(answer_ms), read_answers(line, answer_ms)
local cohorts = read_cohorts(keys.cohorts)
local open, newest, kept_until = {}, cohorts[#cohorts], {}
for _, cohort in ipairs(cohorts) do
  cohort.began = cohort.began + held_ms
  local has_passed = pass_bins(bins, cohort, now - cohort.began, span)
  if cohort.began > now then -- a clock stepped back: what was called later was called by now
    cohort.began, has_passed = now, true
  end
  if is_settled(cohort, now, answer_ms) then
    redis.call('HDEL', keys.cohorts, cohort.number)
  else
    open[#open + 1] = cohort
    kept_until[cohort.number] = settled_at(cohort, answer_ms)
    if has_passed or held_ms > 0 then
      put_cohort(keys.cohorts, cohort)
    end
  end
end
put_answers(line, bins)
local sum, calls_open, expected = summed_up(bins), 0, 0
for _, cohort in ipairs(open) do
  local unclaimed = cohort.called - cohort.claimed
  calls_open = calls_open + unclaimed
  expected = expected + unclaimed * still_comes(bins, sum, math.max(0, now - cohort.began - span / 2))
end

local inside = fans_inside(line, keys.visits, now)
local at_turnstile, late = redis.call('ZCARD', keys.turnstile), redis.call('ZCARD', keys.late)
local taken = inside + calls_open + at_turnstile + late
local room = math.max(0, capacity - taken)
-- The last seat is somebody's, though fans take more than one on average.
local served = seats_left
  and math.max(0, math.max(math.min(1, seats_left), math.floor(seats_left / seats_per_fan)) - taken)
local stored = redis.call('HMGET', line, 'ease_ms', 'cohort', 'called_in_all', 'admitted', 'limit')
local ease_ms, number = tonumber(stored[1] or 0), tonumber(stored[2] or 0)
local called_in_all, admitted = tonumber(stored[3] or 0), tonumber(stored[4] or 0)
local wanted, may_call = 0, 0
if bucket.rate > 0 then
  local too_many
  wanted, too_many = calls_wanted(bucket, sum, expected, ease_ms)
  may_call = math.min(wanted, room, served or wanted)
  if stored[5] == 'rate' or stored[5] == 'health' then
    ease_ms = eased(ease_ms, bucket, sum, too_many)
  end
end

if may_call > 0 and not (newest and now - newest.began < span) then
  newest = {number = number + 1, began = now, called = 0, claimed = 0, passed = 0, counted = 0}
  kept_until[newest.number] = settled_at(newest, answer_ms)
end
local called_now, waiting, lanes = 0, 0, {}
for _, given in ipairs(cjson.decode(ARGV[7])) do
  local lane = read_lane(line, given[1], given[2])
  forget_rows(keys, lane, open[1] and open[1].number or number + 1)
  called_now = called_now + serve_lane(keys, lane, may_call - called_now, newest and newest.number)
  local gaps, left = gaps_ahead(keys, lane), lane.last_place - lane.serving
  for _, gap in ipairs(gaps) do
    left = left - (gap[2] - gap[1] + 1)
  end
  put_lane(line, lane)
  waiting = waiting + math.max(0, left)
  lanes[#lanes + 1] = {lane.name, lane.serving, lane.last_place, gaps, lane.called,
    room_kept(keys, lane, kept_until)}
end
if called_now > 0 then
  newest.called = newest.called + called_now
  number = newest.number
  put_cohort(keys.cohorts, newest)
end

local limit = health < 1000 and 'health' or 'rate'
if rate_asked == 0 then
  limit = 'paused'
elseif waiting == 0 then
  limit = 'demand'
elseif may_call < wanted then
  limit = may_call == room and 'capacity' or 'stock'
end
redis.call('HSET', line, 'flow', bucket.flow, 'spent', bucket.spent, 'at_ms', now,
  'rate_now', bucket.rate, 'burst_now', burst, 'ease_ms', string.format('%.17g', ease_ms),
  'cohort', number, 'called_in_all', called_in_all + called_now, 'limit', limit)
return {'line', now, inside, calls_open + called_now, called_now, called_in_all + called_now,
  redis.call('ZCARD', keys.claims), limit, bucket.rate, math.floor(1000 * (1 - sum.show) + 0.5), health,
  admitted, at_turnstile, late, lanes, frozen_ms}
