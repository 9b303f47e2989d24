--[[
Give a fan's live hold more time: once by the fan's wish, or as a payment under way needs it.

KEYS
  1 meta          hash    epoch, seq
  2 reservations  hash    reservation_id -> JSON
  3 expiries      zset    reservation_id, scored by the millisecond it runs out
  4 log           stream  this epoch's changes

ARGV
  1 epoch           integer
  2 now_ms          integer or ""   see includes/now_ms.lua
  3 fan_id          string
  4 reservation_id  string
  5 why             string          "wish" (once, from the old end) or "payment" (at least from now)
  6 more_ms         integer

RETURNS
  {'extended', reservation}
  {'refused', reservation}            the fan's one extension was used before
  {'lost'}                            no such live hold of this fan
  {'not_loaded'} {'fenced', epoch}    see includes/fence.lua

Safe to repeat: a second wish is refused and changes nothing; a payment never shortens and sets an
end counted from now, so that repeats do not add up.
]]
--- @include now_ms
--- @include fence
--- @include append_log

local meta, reservations, expiries, log = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local refusal = fence(meta, ARGV[1])
if refusal then
  return refusal
end
local now = now_ms(ARGV[2])
local fan_id, reservation_id, why = ARGV[3], ARGV[4], ARGV[5]
local more_ms = tonumber(ARGV[6])

local text = redis.call('HGET', reservations, reservation_id)
if not text then
  return {'lost'}
end
local reservation = cjson.decode(text)
if reservation.fan_id ~= fan_id or reservation.expires_at_ms <= now then
  return {'lost'}
end

if why == 'wish' then
  if reservation.extended then
    return {'refused', text}
  end
  reservation.extended = true
  reservation.expires_at_ms = reservation.expires_at_ms + more_ms
else
  reservation.expires_at_ms = math.max(reservation.expires_at_ms, now + more_ms)
end

text = cjson.encode(reservation)
redis.call('HSET', reservations, reservation_id, text)
redis.call('ZADD', expiries, reservation.expires_at_ms, reservation_id)
append_log(meta, log, 'extended', reservation_id, text, now)
return {'extended', text}
