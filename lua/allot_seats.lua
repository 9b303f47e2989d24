--[[
Say what each seat is kept for from now on: anybody, a channel, fans who need an accessible place.
What somebody holds or has bought stays theirs; it counts when the seat comes back.

KEYS
  1 meta       hash    epoch, seq, allotment
  2 status     string  one character a seat, see includes/digits.lua
  3 allotment  string  what each seat is kept for, likewise
  4 channels   hash    seat_index -> the channel it is kept for
  5 log        stream  this epoch's changes

ARGV
  1 epoch      integer
  2 now_ms     integer or ""   see includes/now_ms.lua
  3 version    integer         of the allotment; the newest one counts
  4 allotment  string          one character a seat, see includes/digits.lua
  5 channels   JSON            seat_index -> channel, of the seats that are a channel's

RETURNS
  {'allotted', changed}               so many seats are shown in another way from now on
  {'allotted_before'}                 this version or a newer one is in place
  {'incomplete', length}              the event has so many seats; nothing was changed
  {'not_loaded'} {'fenced', epoch}    see includes/fence.lua

Safe to repeat: a version is put in place once.
]]
--- @include now_ms
--- @include fence
--- @include append_log
--- @include log_seats
--- @include open_seat

local k = {
  meta = KEYS[1], status = KEYS[2], allotment = KEYS[3], channels = KEYS[4], log = KEYS[5],
}
local refusal = fence(k.meta, ARGV[1])
if refusal then
  return refusal
end
local now = now_ms(ARGV[2])
local version, wanted = tonumber(ARGV[3]), ARGV[4]
local channels = cjson.decode(ARGV[5])
if tonumber(redis.call('HGET', k.meta, 'allotment') or 0) >= version then
  return {'allotted_before'}
end
local before, status = redis.call('GET', k.allotment) or '', redis.call('GET', k.status) or ''
if #before ~= #wanted then
  return {'incomplete', #before}
end

local blocked, opened = {}, {}
for seat_index = 0, #wanted - 1 do
  local digit = string.byte(wanted, seat_index + 1)
  if digit ~= string.byte(before, seat_index + 1) then
    local shown = string.sub(status, seat_index + 1, seat_index + 1)
    if shown ~= '1' and shown ~= '2' then
      open_seat(k, seat_index, string.char(digit))
      local changed = digit == 51 and blocked or opened
      changed[#changed + 1] = seat_index
    end
  end
end
redis.call('SET', k.allotment, wanted)
redis.call('DEL', k.channels)
for seat_index, channel in pairs(channels) do
  redis.call('HSET', k.channels, seat_index, channel)
end
redis.call('HSET', k.meta, 'allotment', version)
log_seats(k, 'opened', opened, now)
log_seats(k, 'blocked', blocked, now)
return {'allotted', #opened + #blocked}
