--[[
Hold all of the named seats for one fan as one reservation, or none of them.

When some are taken, as many neighbours near them may be held instead, as an offer, with as many accessible
places where those were wanted: the fan uses it, or lets it go by asking for anything else.

KEYS
  1 meta          hash    epoch, seq, allotment
  2 status        string  one character a seat, see includes/digits.lua
  3 allotment     string  what each seat is kept for, likewise
  4 holders       hash    seat_index -> reservation_id
  5 reservations  hash    reservation_id -> JSON
  6 expiries      zset    reservation_id, scored by the millisecond it runs out
  7 fan_counts    hash    fan_id -> seats held or bought
  8 stock         hash    tier -> how many are free
  9 offers        hash    fan_id -> the reservation offered to them
  10 log          stream  this epoch's changes
  11 channels     hash    seat_index -> the channel it is kept for
  12 plan         string  the blocks, see includes/plan_blocks.lua
  13 operation    string  what this operation led to, if it was run before
  14 holding      string  see includes/holding_time.lua

ARGV
  1 epoch           integer
  2 now_ms          integer or ""   see includes/now_ms.lua
  3 hold_ms         integer         how long the hold lasts
  4 fan_id          string
  5 seats_max       integer         per fan, held and bought together
  6 wish            JSON            what does not matter is left out; never is it empty
                                    seats: 1 .. seats_max indexes, no doubles; the caller has checked
                                    chance: a random number, 0 or more
                                    rows: [first, length] of the rows they are in, where nobody may be
                                      left alone
                                    is_accessible: true where the fan needs an accessible place
                                    is_theirs: true where they were the fan's, who may have them back
                                    companions: as [companion's place, the accessible one it is beside];
                                      all that there are where accessible places are offered
                                    channel: whose seats may be taken too
                                    offer_range: [first block, last block] to offer from
                                    places: how many accessible places an offer must have
                                    offer_places: lists of those to offer, best first: the nearest, then
                                      those and farther ones
  7 reservation_id  string          the name of the reservation to make
  8 operation_ms    integer         how long a repeat is recognised
  9 holding_ms      integer or ""   how long a fan may hold, one hold after the other; "": without end
  10 rest_ms        integer         and then not
  11 useful_ms      integer         a shorter hold than this is none
  12 asked         string          what is asked, in short: a repeat asks for the same

RETURNS
  {'held', reservation_id, reservation}  as asked, or as an earlier run of the operation did
  {'gone', reservation_id}            an earlier run held them, and that hold has ended
  {'reused'}                          an earlier run was asked for something else
  {'taken', offer_id, offer, seat_index, ...}  none of these was held; both are "" without an offer
  {'kept', seat_index, ...}           these are for fans who need an accessible place; none was held
  {'orphan', seat_index, ...}         somebody would be left alone; these would not do that
  {'over_limit', count, due}          no seat was held; the fan has so many, and so many dead
                                      holds, perhaps theirs among them, are not swept yet
  {'enough', wait_ms}                 no seat was held; the fan has held for long enough, and may wait
  {'not_loaded'} {'fenced', epoch}    see includes/fence.lua

Safe to repeat: the operation is remembered, and a fan who asks for just the seats of a hold of
theirs gets that hold, with its old end, so that nobody holds for ever by asking again.
]]
--- @include now_ms
--- @include fence
--- @include append_log
--- @include end_hold
--- @include sweep_due
--- @include put_hold
--- @include repeated_hold
--- @include holding_time
--- @include offers
--- @include offers_accepted
--- @include digits
--- @include look_at_named
--- @include leaves_orphan

local k = {
  meta = KEYS[1], status = KEYS[2], allotment = KEYS[3], holders = KEYS[4],
  reservations = KEYS[5], expiries = KEYS[6], fan_counts = KEYS[7], stock = KEYS[8],
  offers = KEYS[9], log = KEYS[10], channels = KEYS[11], plan = KEYS[12],
}
local operation, holding = KEYS[13], KEYS[14]
local refusal = fence(k.meta, ARGV[1])
if refusal then
  return refusal
end
local now = now_ms(ARGV[2])
local holding_ms, rest_ms = ARGV[9], tonumber(ARGV[10])
local fan_id, seats_max = ARGV[4], tonumber(ARGV[5])
local reservation_id, operation_ms, asked = ARGV[7], ARGV[8], ARGV[12]

local repeated = repeated_hold(k, operation, asked, now)
if repeated then
  return repeated
end
local hold_ms, wait = may_hold(holding, tonumber(ARGV[3]), holding_ms, rest_ms, tonumber(ARGV[11]), now)
local expires_at = now + (hold_ms or 0)
local wish = cjson.decode(ARGV[6])

-- The fan's own live hold of just these seats, or nil.
local function own_hold()
  local holder = redis.call('HGET', k.holders, tostring(wish.seats[1]))
  local text = holder and redis.call('HGET', k.reservations, holder)
  local reservation = text and cjson.decode(text)
  if not reservation or reservation.fan_id ~= fan_id or reservation.expires_at_ms <= now
    or #reservation.seats ~= #wish.seats then
    return nil
  end
  for _, seat_index in ipairs(wish.seats) do
    if redis.call('HGET', k.holders, tostring(seat_index)) ~= holder then
      return nil
    end
  end
  remember(operation, asked, holder, nil, operation_ms)
  return {'held', holder, accept_offer(k, holder, reservation, text, now)}
end

-- What comes nearest to what is taken, or nil; who needs accessible places is offered as many.
local function choose_instead()
  --- @include plan_blocks
  --- @include choose_run
  --- @include choose_near
  --- @include choose_beside
  local house = {status = redis.call('GET', k.status), plan = redis.call('GET', k.plan), room_from = {}}
  if not wish.places then
    return choose_near(house, wish.offer_range, wish.seats, wish.chance)
  end
  local found = nil
  for _, accessible in ipairs(wish.offer_places) do
    local seats, _, cost = choose_beside(house, {
      accessible = accessible, places = wish.places, companions = wish.companions or {},
      ranges = {wish.offer_range}, quantity = #wish.seats, chance = wish.chance,
    })
    -- A party takes a place that nobody of it needs only where there is no other way in all the house.
    if seats and cost < (wish.places + 1) * PLACE_COST then
      return seats
    end
    found = seats or found
  end
  return found
end

-- Hold what comes nearest to what is taken, if the fan may have so many.
local function offer_instead(taken)
  local refused = {'taken', '', '', unpack(taken)}
  local count = tonumber(redis.call('HGET', k.fan_counts, fan_id) or 0)
  if not wish.offer_range or count + #wish.seats > seats_max then
    return refused
  end
  local seats = choose_instead()
  if seats then
    refused[2] = reservation_id
    refused[3] = put_hold(k, reservation_id, {
      fan_id = fan_id, seats = seats, expires_at_ms = expires_at, extended = false, offered = true,
    }, now)
    redis.call('HSET', k.offers, fan_id, reservation_id)
    remember(operation, asked, reservation_id, taken, operation_ms)
    begin_holding(holding, holding_ms, rest_ms, now)
  end
  return refused
end

if not hold_ms then
  return own_hold() or {'enough', wait}
end
-- A few dead holds a call keep the house clean; the wanted seats are looked at one by one below.
sweep_due(k, now, 20)
if redis.call('HEXISTS', k.offers, fan_id) == 1 then
  local own = own_hold()
  if own then
    return own
  end
  end_offer(k, fan_id, now)
end

local taken, kept = look_at_named(k, wish, {}, now)
if #taken > 0 then
  return own_hold() or offer_instead(taken)
end
if #kept > 0 then
  return {'kept', unpack(kept)}
end
local instead = wish.rows and leaves_orphan(k, wish.seats, wish.rows, {})
if instead then
  return {'orphan', unpack(instead)}
end

local count = tonumber(redis.call('HGET', k.fan_counts, fan_id) or 0)
if count + #wish.seats > seats_max then
  -- The fan's own dead holds must not count against them.
  sweep_due(k, now, 200)
  count = tonumber(redis.call('HGET', k.fan_counts, fan_id) or 0)
  if count + #wish.seats > seats_max then
    return {'over_limit', count, redis.call('ZCOUNT', k.expiries, '-inf', now)}
  end
end

local text = put_hold(k, reservation_id, {
  fan_id = fan_id, seats = wish.seats, expires_at_ms = expires_at, extended = false,
}, now)
remember(operation, asked, reservation_id, nil, operation_ms)
begin_holding(holding, holding_ms, rest_ms, now)
return {'held', reservation_id, text}
