--[[
Show seats as the ledger has them, where an audit found them shown otherwise.

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

ARGV
  1 epoch   integer
  2 now_ms  integer or ""   see includes/now_ms.lua
  3 sold    JSON array      seats that are sold
  4 unsold  JSON array      seats that nobody has bought

RETURNS
  {'corrected', changed}              so many seats are shown in another way from now on
  {'not_loaded'} {'fenced', epoch}    see includes/fence.lua

Safe to repeat: what is shown rightly stays as it is.
]]
--- @include now_ms
--- @include fence
--- @include append_log
--- @include log_seats
--- @include open_seat
--- @include end_hold

local k = {
  meta = KEYS[1], status = KEYS[2], allotment = KEYS[3], holders = KEYS[4],
  reservations = KEYS[5], expiries = KEYS[6], fan_counts = KEYS[7], stock = KEYS[8],
  offers = KEYS[9], log = KEYS[10],
}
local refusal = fence(k.meta, ARGV[1])
if refusal then
  return refusal
end
local now = now_ms(ARGV[2])
local sold, opened, blocked = {}, {}, {}
for _, seat_index in ipairs(cjson.decode(ARGV[3])) do
  if redis.call('GETRANGE', k.status, seat_index, seat_index) ~= '2' then
    local other = redis.call('HGET', k.holders, tostring(seat_index))
    local text = other and redis.call('HGET', k.reservations, other)
    if text then
      end_hold(k, other, text, 'expired', now)
    end
    redis.call('SETRANGE', k.status, seat_index, '2')
    sold[#sold + 1] = seat_index
  end
end
for _, seat_index in ipairs(cjson.decode(ARGV[4])) do
  -- Held by somebody meanwhile: then it is not shown as sold any more.
  if redis.call('GETRANGE', k.status, seat_index, seat_index) == '2' then
    local digit = redis.call('GETRANGE', k.allotment, seat_index, seat_index)
    open_seat(k, seat_index, digit)
    local changed = digit == '3' and blocked or opened
    changed[#changed + 1] = seat_index
  end
end
log_seats(k, 'sold', sold, now)
log_seats(k, 'opened', opened, now)
log_seats(k, 'blocked', blocked, now)
return {'corrected', #sold + #opened + #blocked}
