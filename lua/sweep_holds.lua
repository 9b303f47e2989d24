--[[
Free holds that ran out.

KEYS
  1 meta          hash    epoch, seq
  2 status        string  one character a seat
  3 holders       hash    seat_index -> reservation_id
  4 reservations  hash    reservation_id -> JSON
  5 expiries      zset    reservation_id, scored by the millisecond it runs out
  6 fan_counts    hash    fan_id -> seats held or bought
  7 stock         hash    tier -> how many are free
  8 log           stream  this epoch's changes

ARGV
  1 epoch       integer
  2 now_ms      integer or ""   see includes/now_ms.lua
  3 holds_max   integer         how many at most, so that nobody waits long behind us

RETURNS
  {'swept', count, next_end_in_ms}    -1: nothing is held; 0: more is due already
  {'not_loaded'} {'fenced', epoch}    see includes/fence.lua

Safe to repeat: what is freed is gone from the list.
]]
--- @include now_ms
--- @include fence
--- @include append_log
--- @include free_hold
--- @include sweep_due

local k = {
  meta = KEYS[1], status = KEYS[2], holders = KEYS[3], reservations = KEYS[4], expiries = KEYS[5],
  fan_counts = KEYS[6], stock = KEYS[7], log = KEYS[8],
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
