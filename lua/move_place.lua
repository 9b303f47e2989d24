--[[
Move a fan's place, or entry number, in a lane to another device's fan; once, and for good.

KEYS
  1 line       hash  epoch
  2 places     hash  fan_id -> place in the general line, lane/fan_id -> place in a lane
  3 moved      hash  lane/fan_id -> the fan_id it was moved to
  4 visits     zset  fan_id, scored by the end of the visit
  5 turnstile  zset  fan_id, scored by the token that lets them in
  6 claims     zset  fan_id, scored by the address that was claimed

ARGV
  1 epoch       integer
  2 now_ms      integer or ""   see includes/now_ms.lua
  3 fan_id      string          whose the place is
  4 to_fan_id   string          whose it will be
  5 lane        string          the lane the place is in
  6 place       integer or ""   "": the draw has not given it yet

RETURNS
  {'moved'}                         the place is the other fan's, all tickets of the first one for it are dead
  {'moved_before'}                  it was moved to this very fan
  {'gone', why}                     'elsewhere': to another fan; 'back': from whom it would come to
  {'kept', why}                     'inside': a visit is going on or begins; 'used': one has been
  {'not_loaded'} {'fenced', epoch}  see includes/fence.lua

Safe to repeat: the same fan gets the same place again.
]]
--- @include now_ms
--- @include fence

local line, places, moved, visits, turnstile, claims =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local refusal = fence(line, ARGV[1])
if refusal then
  return refusal
end
local now, fan_id, to_fan_id, lane, place = now_ms(ARGV[2]), ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local from, to = lane .. '/' .. fan_id, lane .. '/' .. to_fan_id

local moved_to = redis.call('HGET', moved, from)
if moved_to then
  return moved_to == to_fan_id and {'moved_before'} or {'gone', 'elsewhere'}
end
if from == to or redis.call('HEXISTS', moved, to) == 1 then
  return {'gone', 'back'}
end
if tonumber(redis.call('ZSCORE', visits, fan_id) or 0) > now or redis.call('ZSCORE', turnstile, fan_id) then
  return {'kept', 'inside'}
end
if redis.call('ZSCORE', claims, fan_id) then
  return {'kept', 'used'}
end

redis.call('HSET', moved, from, to_fan_id)
if place ~= '' then
  local is_general = lane == 'general'
  redis.call('HDEL', places, is_general and fan_id or from)
  redis.call('HSET', places, is_general and to_fan_id or to, place)
end
return {'moved'}
