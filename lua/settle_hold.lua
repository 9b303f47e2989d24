--[[
Show in Redis what PostgreSQL has decided about an order: its seats are sold, or free again, before that
or after.

PostgreSQL has the last word: a hold of somebody else on a sold seat, left from before a fail-over,
ends here.

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

ARGV
  1 epoch           integer
  2 now_ms          integer or ""   see includes/now_ms.lua
  3 outcome         string          "sold", "released" (was held), or "cancelled" (was sold)
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
--- @include log_seats
--- @include open_seat
--- @include free_hold
--- @include end_hold

local k = {
  meta = KEYS[1], status = KEYS[2], allotment = KEYS[3], holders = KEYS[4],
  reservations = KEYS[5], expiries = KEYS[6], fan_counts = KEYS[7], stock = KEYS[8],
  offers = KEYS[9], log = KEYS[10],
}
local operation = KEYS[11]
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

local is_ordered = {}
for _, seat_index in ipairs(seat_indexes) do
  is_ordered[seat_index] = true
end
local text = redis.call('HGET', k.reservations, reservation_id)
if text then
  local hold, others = cjson.decode(text), {}
  local blocked = free_hold(k, reservation_id, hold)
  for _, seat_index in ipairs(hold.seats) do
    if not is_ordered[seat_index] then
      others[#others + 1] = seat_index
    end
  end
  if #others > 0 then
    -- The hold was swapped in the moment of paying: what it has beyond the order is free again.
    hold.seats = others
    append_log(k.meta, k.log, 'released', reservation_id, cjson.encode(hold), now)
  end
  log_seats(k, 'blocked', blocked, now)
end
local ended, shown, blocked = 0, seat_indexes, {}
if outcome == 'cancelled' then
  shown = {}
  for _, seat_index in ipairs(seat_indexes) do
    if redis.call('GETRANGE', k.status, seat_index, seat_index) == '2' then
      -- It goes back to what it is kept for.
      local digit = redis.call('GETRANGE', k.allotment, seat_index, seat_index)
      open_seat(k, seat_index, digit)
      shown[#shown + 1] = seat_index
      if digit == '3' then
        blocked[#blocked + 1] = seat_index
      end
    end
  end
  if tier ~= '' then
    redis.call('HINCRBY', k.stock, tier, quantity)
  end
  local count = tier ~= '' and quantity or #seat_indexes
  if redis.call('HINCRBY', k.fan_counts, fan_id, -count) <= 0 then
    redis.call('HDEL', k.fan_counts, fan_id)
  end
elseif outcome == 'released' then
  -- Only what is free now is told as free: somebody may hold a seat again since the hold ran out.
  shown = {}
  for _, seat_index in ipairs(seat_indexes) do
    if string.find('045', redis.call('GETRANGE', k.status, seat_index, seat_index), 1, true) then
      table.insert(shown, seat_index)
    end
  end
else
  for _, seat_index in ipairs(seat_indexes) do
    local other = redis.call('HGET', k.holders, tostring(seat_index))
    local other_text = other and redis.call('HGET', k.reservations, other)
    if other_text then
      end_hold(k, other, other_text, 'expired', now)
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
-- Readers know two outcomes: what is free, and what is not.
local told = outcome == 'sold' and 'sold' or 'released'
append_log(k.meta, k.log, told, reservation_id, cjson.encode(settled), now)
log_seats(k, 'blocked', blocked, now)
redis.call('SET', operation, outcome, 'PX', ARGV[9])
return {'settled', ended}
