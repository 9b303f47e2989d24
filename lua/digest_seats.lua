--[[
Say in few bytes which seats are shown as sold, to be compared with the ledger.

KEYS
  1 meta      hash    epoch, seq
  2 status    string  one character a seat, see includes/digits.lua
  3 holders   hash    seat_index -> reservation_id
  4 stock     hash    tier -> how many are free
  5 expiries  zset    reservation_id, scored by the millisecond it runs out

ARGV
  1 epoch  integer
  2 block  integer    so many seats have a digest together

RETURNS
  {'digests', held, holders, holds, [digest, ...], [tier, free, ...]}
                                      seats shown as held, seats with a holder, holds of all kinds;
                                      of each block the SHA-1 of its status with 0 for all but sold
  {'not_loaded'} {'fenced', epoch}    see includes/fence.lua

Safe to repeat: it only reads.
]]
--- @include fence

local meta, status, holders, stock, expiries = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local refusal = fence(meta, ARGV[1])
if refusal then
  return refusal
end
local block = tonumber(ARGV[2])
local text = redis.call('GET', status) or ''
local digests, held = {}, 0
for first = 1, #text, block do
  local part = string.sub(text, first, first + block - 1)
  held = held + select(2, string.gsub(part, '1', '1'))
  digests[#digests + 1] = redis.sha1hex((string.gsub(part, '[^2]', '0')))
end
return {
  'digests', held, redis.call('HLEN', holders), redis.call('ZCARD', expiries), digests,
  redis.call('HGETALL', stock),
}
