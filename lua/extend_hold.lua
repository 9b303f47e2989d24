--[[
Give a fan's live hold more time: once by the fan's wish, or as a payment under way needs it; and let it be
changed again when that payment was declined.

KEYS
  1 meta          hash    epoch, seq, allotment
  2 reservations  hash    reservation_id -> JSON
  3 expiries      zset    reservation_id, scored by the millisecond it runs out
  4 offers        hash    fan_id -> the reservation offered to them
  5 log           stream  this epoch's changes
  6 operation     string  what this operation led to, if it was run before
  7 holding       string  see includes/holding_time.lua

ARGV
  1 epoch           integer
  2 now_ms          integer or ""   see includes/now_ms.lua
  3 fan_id          string
  4 reservation_id  string
  5 why             string          "wish" (once, from the old end), "payment" (at least from now), "kept"
                                    (the same for a payment that we cannot end: the fan need not rest for
                                    that, and a newer payment under way goes on), or "declined" (that
                                    payment; no time is given)
  6 more_ms         integer
  7 operation_ms    integer         how long a repeat is recognised
  8 rest_ms         integer         how long a fan does not hold who has held for long enough
  9 payment         string          which payment it is; "" for a wish

RETURNS
  {'extended', reservation}           as asked, or as an earlier run of the operation did
  {'refused', reservation}            the fan's one extension was used before
  {'kept', reservation}               nothing is paid for any more, but what a newer payment keeps
  {'lost'}                            no such live hold of this fan
  {'not_loaded'} {'fenced', epoch}    see includes/fence.lua

Safe to repeat: the operation of a wish is remembered; a payment never shortens and sets an end counted
from now, so that repeats do not add up.
]]
--- @include now_ms
--- @include fence
--- @include append_log
--- @include offers_accepted
--- @include holding_time

local k = {
  meta = KEYS[1], reservations = KEYS[2], expiries = KEYS[3], offers = KEYS[4], log = KEYS[5],
}
local operation = KEYS[6]
local refusal = fence(k.meta, ARGV[1])
if refusal then
  return refusal
end
local now = now_ms(ARGV[2])
local fan_id, reservation_id, why = ARGV[3], ARGV[4], ARGV[5]
local more_ms, payment = tonumber(ARGV[6]), ARGV[9]

local text = redis.call('HGET', k.reservations, reservation_id)
if not text then
  return {'lost'}
end
local reservation = cjson.decode(text)
if reservation.fan_id ~= fan_id or reservation.expires_at_ms <= now then
  return {'lost'}
end

if why == 'declined' then
  if reservation.paying_for == payment then
    reservation.paying_until_ms, reservation.paying_for = nil, nil
    text = cjson.encode(reservation)
    redis.call('HSET', k.reservations, reservation_id, text)
  end
  return {'kept', text}
end
if why == 'wish' then
  if reservation.extended then
    local is_repeat = redis.call('GET', operation) == reservation_id
    return {is_repeat and 'extended' or 'refused', text}
  end
  reservation.extended = true
  reservation.expires_at_ms = reservation.expires_at_ms + more_ms
  redis.call('SET', operation, reservation_id, 'PX', ARGV[7])
else
  reservation.expires_at_ms = math.max(reservation.expires_at_ms, now + more_ms)
  if why == 'payment' or (reservation.paying_until_ms or 0) <= now then
    reservation.paying_for = payment
  end
  -- What is paid for must not become something else meanwhile.
  reservation.paying_until_ms = math.max(reservation.paying_until_ms or 0, now + more_ms)
end

accept_offer(k, reservation_id, reservation, text, now)
text = cjson.encode(reservation)
redis.call('HSET', k.reservations, reservation_id, text)
redis.call('ZADD', k.expiries, reservation.expires_at_ms, reservation_id)
if why ~= 'kept' then
  rest_after(KEYS[7], reservation.expires_at_ms, tonumber(ARGV[8]), now)
end
append_log(k.meta, k.log, 'extended', reservation_id, text, now)
return {'extended', text}
