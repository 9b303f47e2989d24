--[[
Read one fan's live hold. An offer that its fan looks at this way is accepted by that.

KEYS
  1 meta          hash    epoch, seq, allotment
  2 reservations  hash    reservation_id -> JSON
  3 offers        hash    fan_id -> the reservation offered to them
  4 log           stream  this epoch's changes

ARGV
  1 epoch           integer
  2 now_ms          integer or ""   see includes/now_ms.lua
  3 fan_id          string
  4 reservation_id  string

RETURNS
  {'held', reservation, now_ms}
  {'lost'}                            no such live hold of this fan
  {'not_loaded'} {'fenced', epoch}    see includes/fence.lua

Safe to repeat: an offer is accepted once.
]]
--- @include now_ms
--- @include fence
--- @include append_log
--- @include offers_accepted

local k = {
  meta = KEYS[1], reservations = KEYS[2], offers = KEYS[3], log = KEYS[4],
}
local refusal = fence(k.meta, ARGV[1])
if refusal then
  return refusal
end
local now = now_ms(ARGV[2])
local text = redis.call('HGET', k.reservations, ARGV[4])
if not text then
  return {'lost'}
end
local reservation = cjson.decode(text)
if reservation.fan_id ~= ARGV[3] or reservation.expires_at_ms <= now then
  return {'lost'}
end
text = accept_offer(k, ARGV[4], reservation, text, now)
return {'held', text, now}
