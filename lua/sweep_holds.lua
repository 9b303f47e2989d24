--[[
Free holds that ran out.

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
  1 epoch      integer
  2 now_ms     integer or ""   see includes/now_ms.lua
  3 holds_max  integer         how many at most, so that nobody waits long behind us

RETURNS
  {'swept', count, next_end_in_ms}    -1: nothing is held; 0: more is due already
  {'not_loaded'} {'fenced', epoch}    see includes/fence.lua

Safe to repeat: what is freed is gone from the list.
]]
--- @include now_ms
--- @include fence
--- @include append_log
--- @include end_hold
--- @include sweep_due

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
local count = sweep_due(k, now, tonumber(ARGV[3]))
local first = redis.call('ZRANGE', k.expiries, 0, 0, 'WITHSCORES')
if #first == 0 then
  return {'swept', count, -1}
end
return {'swept', count, math.max(0, tonumber(first[2]) - now)}
