--[[
Give back one of an allowance that was spent for nothing, on both keys: see spend_allowance.lua.

KEYS
  1 narrow  string  the moment from which the narrow allowance is whole again
  2 wide    string  the same for the wide one

ARGV
  1 epoch             integer   not compared: an allowance lost with its Redis is whole
  2 narrow_every_ms   integer   one comes back in so long
  3 wide_every_ms     integer

RETURNS
  {'returned'}

Safe to repeat, but a repeat gives back another, so the caller asks once and lets it be when no answer
comes. What is whole again has nothing to give back.
]]
local function give_back(key, every_ms)
  local whole_at = redis.call('GET', key)
  if whole_at then
    redis.call('SET', key, tonumber(whole_at) - every_ms, 'KEEPTTL')
  end
end

give_back(KEYS[1], tonumber(ARGV[2]))
give_back(KEYS[2], tonumber(ARGV[3]))
return {'returned'}
