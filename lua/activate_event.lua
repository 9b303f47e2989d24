--[[
Put a rebuilt state of an event in the place of whatever is there, as one step.

KEYS
  1 meta                  hash  epoch, seq
  2 status                string
  3 holders               hash
  4 reservations          hash
  5 expiries              zset
  6 fan_counts            hash
  7 stock                 hash
  8 blocks                hash
  9 staged_status         what each becomes; an absent one means empty
  10 staged_holders       hash
  11 staged_reservations  hash
  12 staged_expiries      zset
  13 staged_fan_counts    hash
  14 staged_stock         hash
  15 staged_blocks        hash

ARGV
  1 epoch        integer
  2 seats_count  integer   how long the staged status must be

RETURNS
  {'activated'}
  {'active_before'}           this epoch is in place already
  {'lost'}                    no staged status: the store was emptied since it was written
  {'incomplete', length}      the staged status has another length: the rebuild went wrong

Safe to repeat: once the epoch is in place nothing changes.
]]
local staged = {KEYS[9], KEYS[10], KEYS[11], KEYS[12], KEYS[13], KEYS[14], KEYS[15]}
local live = {KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]}
if redis.call('HGET', KEYS[1], 'epoch') == ARGV[1] then
  return {'active_before'}
end
-- It is staged before everything else, also for an event without seats: whatever emptied the store
-- since then has taken it, too.
if redis.call('EXISTS', staged[1]) == 0 then
  return {'lost'}
end
local length = redis.call('STRLEN', staged[1])
if length ~= tonumber(ARGV[2]) then
  return {'incomplete', length}
end
for position, key in ipairs(live) do
  redis.call('DEL', key)
  if redis.call('EXISTS', staged[position]) == 1 then
    redis.call('RENAME', staged[position], key)
  end
end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'seq', 0)
return {'activated'}
