--[[
Show in Redis what PostgreSQL has decided about an order: its seats are sold, or free again.

PostgreSQL has the last word: a hold of somebody else on a sold seat, left from before a fail-over,
ends here.

KEYS
  1 meta          hash    epoch, seq
  2 status        string  one character a seat
  3 holders       hash    seat_index -> reservation_id
  4 reservations  hash    reservation_id -> JSON
  5 expiries      zset    reservation_id, scored by the millisecond it runs out
  6 fan_counts    hash    fan_id -> seats held or bought
  7 stock         hash    tier -> how many are free
  8 log           stream  this epoch's changes
  9 operation     string  set once this order's outcome has been shown

ARGV
  1 epoch           integer
  2 now_ms          integer or ""   see includes/now_ms.lua
  3 outcome         string          "sold" or "released"
  4 fan_id          string          the buyer
  5 reservation_id  string          the hold the order came from; it may be gone
  6 seat_indexes    JSON array      [] for stock
  7 tier            string          "" for seats
  8 quantity        integer         of stock; 0 for seats
  9 operation_ms    integer         how long a repeat is recognised

RETURNS
  {'settled', ended}                  how many holds of others had to end
  {'settled_before'}
  {'not_loaded'} {'fenced', epoch}    see includes/fence.lua

Safe to repeat: the order's outcome is shown once in an epoch; the next epoch starts from PostgreSQL.
]]
--- @include now_ms
--- @include fence
--- @include append_log
--- @include free_hold

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
local outcome, fan_id, reservation_id = ARGV[3], ARGV[4], ARGV[5]
local seat_indexes = cjson.decode(ARGV[6])
local tier, quantity = ARGV[7], tonumber(ARGV[8])
if redis.call('GET', operation) then
  return {'settled_before'}
end

local text = redis.call('HGET', k.reservations, reservation_id)
if text then
  free_hold(k, reservation_id, cjson.decode(text))
end
local ended, shown = 0, seat_indexes
if outcome == 'released' then
  -- Only what is free now is told as free: somebody may hold a seat again since the hold ran out.
  shown = {}
  for _, seat_index in ipairs(seat_indexes) do
    if redis.call('GETRANGE', k.status, seat_index, seat_index) == '0' then
      table.insert(shown, seat_index)
    end
  end
else
  for _, seat_index in ipairs(seat_indexes) do
    local other = redis.call('HGET', k.holders, tostring(seat_index))
    local other_text = other and redis.call('HGET', k.reservations, other)
    if other_text then
      free_hold(k, other, cjson.decode(other_text))
      append_log(k.meta, k.log, 'expired', other, other_text, now)
      ended = ended + 1
    end
    redis.call('SETRANGE', k.status, seat_index, '2')
  end
  if tier ~= '' then
    redis.call('HINCRBY', k.stock, tier, -quantity)
  end
  redis.call('HINCRBY', k.fan_counts, fan_id, tier ~= '' and quantity or #seat_indexes)
end
local settled = {fan_id = fan_id, seats = shown, expires_at_ms = now, extended = false}
if tier ~= '' then
  settled.tier, settled.quantity = tier, quantity
end
append_log(k.meta, k.log, outcome, reservation_id, cjson.encode(settled), now)
redis.call('SET', operation, outcome, 'PX', ARGV[9])
return {'settled', ended}
