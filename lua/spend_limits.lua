--[[
Spend one of what an address, the network around it, and who asks may do, on all of them or on none; and
say whether so much is asked from there that each should work harder for it.

KEYS
  1 own              hash         hard: see includes/limits.lua
  2 address          hash         soft, hard
  3 network          hash         soft, hard
  4 address_devices  hyperloglog  who joined from the address: see join_line.lua
  5 network_devices  hyperloglog  who joined from the network

ARGV
  1 epoch                integer         not compared: an allowance lost with its Redis is whole
  2 now_ms               integer or ""   see includes/now_ms.lua
  3 limits               json array      rows of whose, kind, every_ms, burst
  4 address_devices_max  integer or ""   more devices than these have to work harder; "": not counted
  5 network_devices_max  integer or ""   the same for the network

RETURNS
  {'spent'}
  {'spent_harder', whose}      so was this one; more is asked from there than one household asks
  {'used_up', wait_ms, whose}  nothing was spent; asking again is of use after this

Safe to repeat, but a repeat may spend again.
]]
--- @include now_ms
--- @include limits

local keys = {own = KEYS[1], address = KEYS[2], network = KEYS[3]}
local now, limits = now_ms(ARGV[2]), cjson.decode(ARGV[3])

local seen = look_at_limits(keys, limits, now)
if seen.used_up then
  return {'used_up', seen.wait, seen.used_up}
end
local pressed = seen.pressed
if ARGV[4] ~= '' and redis.call('PFCOUNT', KEYS[4]) > tonumber(ARGV[4]) then
  pressed = 'address'
elseif ARGV[5] ~= '' and redis.call('PFCOUNT', KEYS[5]) > tonumber(ARGV[5]) then
  pressed = 'network'
end

spend_limits(keys, limits, seen, now)
if pressed then
  return {'spent_harder', pressed}
end
return {'spent'}
