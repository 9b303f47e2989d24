--[[
Hold a number of things of one tier that have no seats, all or none.

KEYS
  1 meta          hash    epoch, seq
  2 status        string  one character a seat
  3 holders       hash    seat_index -> reservation_id
  4 reservations  hash    reservation_id -> JSON
  5 expiries      zset    reservation_id, scored by the millisecond it runs out
  6 fan_counts    hash    fan_id -> seats held or bought
  7 stock         hash    tier -> how many are free
  8 log           stream  this epoch's changes
  9 operation     string  the reservation this operation made before, if it was run before

ARGV
  1 epoch           integer
  2 now_ms          integer or ""   see includes/now_ms.lua
  3 hold_ms         integer         how long the hold lasts
  4 fan_id          string
  5 seats_max       integer         per fan, held and bought together
  6 tier            string
  7 quantity        integer         1 .. seats_max
  8 reservation_id  string          the name of the reservation to make
  9 operation_ms    integer         how long a repeat is recognised

RETURNS
  {'held', reservation_id, reservation}
  {'gone', reservation_id}                 an earlier run held some, and that hold has ended
  {'sold_out', due}                        not enough is free; so many dead holds are not swept yet
  {'over_limit', count, due}               nothing was held; the fan has so many, and so many dead
                                           holds, perhaps theirs among them, are not swept yet
  {'not_loaded'} {'fenced', epoch}         see includes/fence.lua

Safe to repeat: the operation is remembered.
]]
--- @include now_ms
--- @include fence
--- @include append_log
--- @include free_hold
--- @include sweep_due
--- @include put_hold
--- @include repeated_hold

local k = {
  meta = KEYS[1], status = KEYS[2], holders = KEYS[3], reservations = KEYS[4], expiries = KEYS[5],
  fan_counts = KEYS[6], stock = KEYS[7], log = KEYS[8],
}
local operation = KEYS[9]
local refusal = fence(k.meta, ARGV[1])
if refusal then
  return refusal
end
local now = now_ms(ARGV[2])
local expires_at = now + tonumber(ARGV[3])
local fan_id = ARGV[4]
local seats_max = tonumber(ARGV[5])
local tier = ARGV[6]
local quantity = tonumber(ARGV[7])
local reservation_id = ARGV[8]

local repeated = repeated_hold(k, operation, now)
if repeated then
  return repeated
end

sweep_due(k, now, 200)

local count = tonumber(redis.call('HGET', k.fan_counts, fan_id) or 0)
if count + quantity > seats_max then
  return {'over_limit', count, redis.call('ZCOUNT', k.expiries, '-inf', now)}
end
if tonumber(redis.call('HGET', k.stock, tier) or 0) < quantity then
  return {'sold_out', redis.call('ZCOUNT', k.expiries, '-inf', now)}
end

local text = put_hold(k, reservation_id, {
  fan_id = fan_id, seats = {}, tier = tier, quantity = quantity, expires_at_ms = expires_at,
  extended = false,
}, now)
redis.call('SET', operation, reservation_id, 'PX', ARGV[9])
return {'held', reservation_id, text}
