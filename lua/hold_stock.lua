--[[
Hold a number of things of one tier that have no seats, all or none.

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
  11 operation    string  what this operation led to, if it was run before
  12 holding      string  see includes/holding_time.lua

ARGV
  1 epoch           integer
  2 now_ms          integer or ""   see includes/now_ms.lua
  3 hold_ms         integer         how long the hold lasts
  4 fan_id          string
  5 seats_max       integer         per fan, held and bought together
  6 wish            JSON            tier, and quantity: 1 .. seats_max
  7 reservation_id  string          the name of the reservation to make; a live one of this name is the answer
  8 operation_ms    integer         how long a repeat is recognised
  9 holding_ms      integer or ""   how long a fan may hold, one hold after the other; "": without end
  10 rest_ms        integer         and then not
  11 useful_ms      integer         a shorter hold than this is none
  12 asked         string          what is asked, in short: a repeat asks for the same

RETURNS
  {'held', reservation_id, reservation}  the reservation says what
  {'gone', reservation_id}            an earlier run held some, and that hold has ended
  {'reused'}                          an earlier run was asked for something else
  {'sold_out', due}                   not enough is free; so many dead holds are not swept yet
  {'over_limit', count, due}          no seat was held; the fan has so many, and so many dead
                                      holds, perhaps theirs among them, are not swept yet
  {'enough', wait_ms}                 nothing was held; the fan has held for long enough, and may wait
  {'not_loaded'} {'fenced', epoch}    see includes/fence.lua

Safe to repeat: the operation is remembered, and nothing is held twice under one name.
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

local k = {
  meta = KEYS[1], status = KEYS[2], allotment = KEYS[3], holders = KEYS[4],
  reservations = KEYS[5], expiries = KEYS[6], fan_counts = KEYS[7], stock = KEYS[8],
  offers = KEYS[9], log = KEYS[10],
}
local operation, holding = KEYS[11], KEYS[12]
local refusal = fence(k.meta, ARGV[1])
if refusal then
  return refusal
end
local now = now_ms(ARGV[2])
local holding_ms, rest_ms = ARGV[9], tonumber(ARGV[10])
local fan_id, seats_max = ARGV[4], tonumber(ARGV[5])
local reservation_id, asked = ARGV[7], ARGV[12]

local repeated = repeated_hold(k, operation, asked, now)
if repeated then
  return repeated
end
local hold_ms, wait = may_hold(holding, tonumber(ARGV[3]), holding_ms, rest_ms, tonumber(ARGV[11]), now)
if not hold_ms then
  return {'enough', wait}
end
local expires_at = now + hold_ms
local wish = cjson.decode(ARGV[6])

sweep_due(k, now, 200)
-- A name given a second time: what has it still is the answer, or ends first, and nothing counts twice.
local namesake = redis.call('HGET', k.reservations, reservation_id)
if namesake and cjson.decode(namesake).expires_at_ms > now then
  remember(operation, asked, reservation_id, nil, ARGV[8])
  return {'held', reservation_id, namesake}
end
if namesake then
  end_hold(k, reservation_id, namesake, 'expired', now)
end
end_offer(k, fan_id, now)

local count = tonumber(redis.call('HGET', k.fan_counts, fan_id) or 0)
if count + wish.quantity > seats_max then
  return {'over_limit', count, redis.call('ZCOUNT', k.expiries, '-inf', now)}
end
if tonumber(redis.call('HGET', k.stock, wish.tier) or 0) < wish.quantity then
  return {'sold_out', redis.call('ZCOUNT', k.expiries, '-inf', now)}
end

local text = put_hold(k, reservation_id, {
  fan_id = fan_id, seats = {}, tier = wish.tier, quantity = wish.quantity,
  expires_at_ms = expires_at, extended = false,
}, now)
remember(operation, asked, reservation_id, nil, ARGV[8])
begin_holding(holding, holding_ms, rest_ms, now)
return {'held', reservation_id, text}
