--[[
Put a rebuilt state of an event in the place of whatever is there, as one step.

KEYS
  1 meta                   hash  epoch, seq, allotment
  2 status                 string
  3 allotment              string
  4 holders                hash
  5 reservations           hash
  6 expiries               zset
  7 fan_counts             hash
  8 stock                  hash
  9 offers                 hash
  10 channels              hash
  11 plan                  string
  12 staged_status         what each becomes; an absent one means empty
  13 staged_allotment      string
  14 staged_holders        hash
  15 staged_reservations   hash
  16 staged_expiries       zset
  17 staged_fan_counts     hash
  18 staged_stock          hash
  19 staged_offers         hash
  20 staged_channels       hash
  21 staged_plan           string

ARGV
  1 epoch        integer
  2 seats_count  integer         how long the staged status and allotment must be
  3 version      integer         of the staged allotment

RETURNS
  {'activated'}
  {'active_before'}           this epoch is in place already
  {'lost'}                    no staged status: the store was emptied since it was written
  {'incomplete', length}      the staged status or allotment has another length: the rebuild went wrong

Safe to repeat: once the epoch is in place nothing changes.
]]
local live = {
  KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11],
}
local staged = {
  KEYS[12], KEYS[13], KEYS[14], KEYS[15], KEYS[16], KEYS[17], KEYS[18], KEYS[19], KEYS[20], KEYS[21],
}
if redis.call('HGET', KEYS[1], 'epoch') == ARGV[1] then
  return {'active_before'}
end
-- It is staged before everything else, also for an event without seats: whatever emptied the store
-- since then has taken it, too.
if redis.call('EXISTS', staged[1]) == 0 then
  return {'lost'}
end
for _, key in ipairs({staged[1], staged[2]}) do
  local length = redis.call('STRLEN', key)
  if length ~= tonumber(ARGV[2]) then
    return {'incomplete', length}
  end
end
for position, key in ipairs(live) do
  redis.call('DEL', key)
  if redis.call('EXISTS', staged[position]) == 1 then
    redis.call('RENAME', staged[position], key)
  end
end
redis.call('HDEL', KEYS[1], 'room_from')
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'seq', 0, 'allotment', ARGV[3])
return {'activated'}
