--[[
Hold all of the named seats for one fan as one reservation, or none of them.

KEYS
  1 meta          hash    epoch, seq
  2 status        string  one character a seat: 0 free, 1 held, 2 sold, 3 blocked
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
  6 seat_indexes    JSON array      1 .. seats_max indexes, no doubles; the caller has checked
  7 reservation_id  string          the name of the reservation to make
  8 operation_ms    integer         how long a repeat is recognised

RETURNS
  {'held', reservation_id, reservation}    as asked, or as an earlier run of the operation did
  {'gone', reservation_id}                 an earlier run held them, and that hold has ended
  {'taken', seat_index, ...}               no seat was held
  {'over_limit', count, due}               no seat was held; the fan has so many, and so many dead
                                           holds, perhaps theirs among them, are not swept yet
  {'not_loaded'} {'fenced', epoch}         see includes/fence.lua

Safe to repeat: the operation is remembered, and a fan who asks for just the seats of a hold of
theirs gets that hold, with its old end, so that nobody holds for ever by asking again.
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
local seat_indexes = cjson.decode(ARGV[6])
local reservation_id = ARGV[7]

local repeated = repeated_hold(k, operation, now)
if repeated then
  return repeated
end

-- A few dead holds a call keep the house clean; the wanted seats are looked at one by one below.
sweep_due(k, now, 20)

local taken, own = {'taken'}, {}
for _, seat_index in ipairs(seat_indexes) do
  local holder = redis.call('HGET', k.holders, tostring(seat_index))
  if holder then
    local ends_at = tonumber(redis.call('ZSCORE', k.expiries, holder) or 0)
    local text = redis.call('HGET', k.reservations, holder)
    if text and ends_at <= now then
      free_hold(k, holder, cjson.decode(text))
      append_log(k.meta, k.log, 'expired', holder, text, now)
    elseif text and cjson.decode(text).fan_id == fan_id then
      own[holder] = (own[holder] or 0) + 1
    end
  end
  if redis.call('GETRANGE', k.status, seat_index, seat_index) ~= '0' then
    table.insert(taken, seat_index)
  end
end
if #taken > 1 then
  for holder, count in pairs(own) do
    local text = redis.call('HGET', k.reservations, holder)
    if count == #seat_indexes and #cjson.decode(text).seats == count then
      return {'held', holder, text}
    end
  end
  return taken
end

local count = tonumber(redis.call('HGET', k.fan_counts, fan_id) or 0)
if count + #seat_indexes > seats_max then
  -- The fan's own dead holds must not count against them.
  sweep_due(k, now, 200)
  count = tonumber(redis.call('HGET', k.fan_counts, fan_id) or 0)
  if count + #seat_indexes > seats_max then
    return {'over_limit', count, redis.call('ZCOUNT', k.expiries, '-inf', now)}
  end
end

local text = put_hold(k, reservation_id, {
  fan_id = fan_id, seats = seat_indexes, expires_at_ms = expires_at, extended = false,
}, now)
redis.call('SET', operation, reservation_id, 'PX', ARGV[8])
return {'held', reservation_id, text}
