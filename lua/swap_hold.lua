--[[
Change what a fan's live hold has for something else, all or nothing: what is held is let go only when
all of the new is won. The reservation keeps its name and its clock.

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

ARGV
  1 epoch           integer
  2 now_ms          integer or ""   see includes/now_ms.lua
  3 fan_id          string
  4 reservation_id  string          the hold to change
  5 seats_max       integer         per fan, held and bought together
  6 wish            JSON            as of hold_seats, hold_best or hold_stock, and
                                    kind: seats, best or stock
  7 operation_ms    integer         how long a repeat is recognised
  8 asked           string          what is asked, in short: a repeat asks for the same

RETURNS
  {'swapped', reservation_id, reservation}  as asked, or as an earlier run of the operation did
  {'gone', reservation_id}            an earlier run did, and the hold has ended since
  {'reused'}                          an earlier run was asked for something else
  {'lost'}                            no such live hold of this fan
  {'paying', left_ms}                 it is being paid for, and stays as it is
  {'taken', seat_index, ...}          these are; this and all answers below leave the hold as it was
  {'kept', seat_index, ...}           these are for fans who need an accessible place
  {'orphan', seat_index, ...}         somebody would be left alone; these would not do that
  {'sold_out', due}                   not enough is free; so many dead holds are not swept yet
  {'over_limit', count, due}          the fan has so many; so many dead holds are not swept yet
  {'not_loaded'} {'fenced', epoch}    see includes/fence.lua

Safe to repeat: the operation is remembered.
]]
--- @include now_ms
--- @include fence
--- @include append_log
--- @include log_seats
--- @include open_seat
--- @include free_hold
--- @include end_hold
--- @include sweep_due
--- @include put_hold
--- @include repeated_hold
--- @include offers
--- @include digits
--- @include look_at_named
--- @include leaves_orphan
--- @include plan_blocks
--- @include choose_run
--- @include choose_apart
--- @include choose_beside
--- @include choose_best
--- @include swap_seats

local k = {
  meta = KEYS[1], status = KEYS[2], allotment = KEYS[3], holders = KEYS[4],
  reservations = KEYS[5], expiries = KEYS[6], fan_counts = KEYS[7], stock = KEYS[8],
  offers = KEYS[9], log = KEYS[10], channels = KEYS[11], plan = KEYS[12],
}
local operation = KEYS[13]
local refusal = fence(k.meta, ARGV[1])
if refusal then
  return refusal
end
local now = now_ms(ARGV[2])
local fan_id, reservation_id, seats_max = ARGV[3], ARGV[4], tonumber(ARGV[5])
local asked = ARGV[8]

local repeated = repeated_hold(k, operation, asked, now)
if repeated then
  repeated[1] = repeated[1] == 'held' and 'swapped' or repeated[1]
  return repeated
end
local text = redis.call('HGET', k.reservations, reservation_id)
local old = text and cjson.decode(text)
if not old or old.fan_id ~= fan_id or old.expires_at_ms <= now then
  return {'lost'}
end
if (old.paying_until_ms or 0) > now then
  return {'paying', old.paying_until_ms - now}
end
local wish = cjson.decode(ARGV[6])
local own = {}
for _, seat_index in ipairs(old.seats) do
  own[seat_index] = true
end

sweep_due(k, now, 200)
end_offer(k, fan_id, now, reservation_id)

local seats = {}
if wish.kind == 'seats' then
  seats = wish.seats
  local taken, kept = look_at_named(k, wish, own, now)
  if #taken > 0 then
    return {'taken', unpack(taken)}
  end
  if #kept > 0 then
    return {'kept', unpack(kept)}
  end
  local instead = wish.rows and leaves_orphan(k, seats, wish.rows, own)
  if instead then
    return {'orphan', unpack(instead)}
  end
end
local old_count = old.tier and old.quantity or #old.seats
local new_count = wish.kind == 'seats' and #seats or wish.quantity
local count = tonumber(redis.call('HGET', k.fan_counts, fan_id) or 0)
if count - old_count + new_count > seats_max then
  return {'over_limit', count, redis.call('ZCOUNT', k.expiries, '-inf', now)}
end
if wish.kind == 'best' then
  seats = choose_best(house_for(k, wish, own), wish)
end
local is_missing = not seats
if wish.kind == 'stock' then
  local own_stock = old.tier == wish.tier and old.quantity or 0
  local free = tonumber(redis.call('HGET', k.stock, wish.tier) or 0)
  is_missing = free + own_stock < wish.quantity
end
if is_missing then
  return {'sold_out', redis.call('ZCOUNT', k.expiries, '-inf', now)}
end

text = swap_seats(k, reservation_id, old, {
  fan_id = fan_id, seats = seats, tier = wish.tier, quantity = wish.tier and wish.quantity,
  expires_at_ms = old.expires_at_ms, extended = old.extended,
}, now)
remember(operation, asked, reservation_id, nil, ARGV[7])
return {'swapped', reservation_id, text}
