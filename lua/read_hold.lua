--[[
Read one fan's live hold.

KEYS
  1 meta          hash    epoch, seq
  2 reservations  hash    reservation_id -> JSON

ARGV
  1 epoch           integer
  2 now_ms          integer or ""   see includes/now_ms.lua
  3 fan_id          string
  4 reservation_id  string

RETURNS
  {'held', reservation, now_ms}
  {'lost'}                            no such live hold of this fan
  {'not_loaded'} {'fenced', epoch}    see includes/fence.lua

Safe to repeat: it only reads.
]]
--- @include now_ms
--- @include fence

local meta, reservations = KEYS[1], KEYS[2]
local refusal = fence(meta, ARGV[1])
if refusal then
  return refusal
end
local now = now_ms(ARGV[2])
local text = redis.call('HGET', reservations, ARGV[4])
if not text then
  return {'lost'}
end
local reservation = cjson.decode(text)
if reservation.fan_id ~= ARGV[3] or reservation.expires_at_ms <= now then
  return {'lost'}
end
return {'held', text, now}
