--[[
Spend one of an allowance that refills evenly (the generic cell rate algorithm), on all keys or on none.

KEYS
  1 narrow  string  the moment from which the narrow allowance is whole again
  2 wide    string  the same for the wide one

ARGV
  1 epoch             integer         not compared: see below
  2 now_ms            integer or ""   see includes/now_ms.lua
  3 narrow_every_ms   integer         one comes back in so long
  4 narrow_burst      integer         so many at most
  5 wide_every_ms     integer
  6 wide_burst        integer

RETURNS
  {'spent'}
  {'used_up', wait_ms}    nothing was spent; asking again is of use after this

Safe to repeat, but a repeat may spend again; and an allowance lost with its Redis is whole again, so the
epoch (ARGV[1]) does not matter.
]]
--- @include now_ms

local now = now_ms(ARGV[2])
local limits = {
  {KEYS[1], tonumber(ARGV[3]), tonumber(ARGV[4])},
  {KEYS[2], tonumber(ARGV[5]), tonumber(ARGV[6])},
}
local wait, whole_at = 0, {}
for position, limit in ipairs(limits) do
  local every_ms, burst = limit[2], limit[3]
  whole_at[position] = math.max(now, tonumber(redis.call('GET', limit[1]) or 0)) + every_ms
  wait = math.max(wait, whole_at[position] - every_ms * burst - now)
end
if wait > 0 then
  return {'used_up', wait}
end
for position, limit in ipairs(limits) do
  redis.call('SET', limit[1], whole_at[position], 'PX', whole_at[position] - now + 1)
end
return {'spent'}
