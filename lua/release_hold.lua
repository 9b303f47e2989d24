--[[
Give back a hold of one fan at once.

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
  1 epoch           integer
  2 now_ms          integer or ""   see includes/now_ms.lua
  3 fan_id          string
  4 reservation_id  string

RETURNS
  {'released'}
  {'absent'}                          there is no such hold, or it is another fan's
  {'not_loaded'} {'fenced', epoch}    see includes/fence.lua

Safe to repeat: the second time there is nothing to release.
]]
--- @include now_ms
--- @include fence
--- @include append_log
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
local fan_id, reservation_id = ARGV[3], ARGV[4]

local text = redis.call('HGET', k.reservations, reservation_id)
if not text then
  return {'absent'}
end
local reservation = cjson.decode(text)
if reservation.fan_id ~= fan_id then
  return {'absent'}
end
end_hold(k, reservation_id, text, 'released', now)
return {'released'}
