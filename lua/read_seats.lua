--[[
Read the status of every seat and all stock, with the number of the change they are as of.

KEYS
  1 meta    hash    epoch, seq
  2 status  string  one character a seat
  3 stock   hash    tier -> how many are free

ARGV
  1 epoch   integer

RETURNS
  {'seats', seq, status, tier, free, tier, free, ...}
  {'not_loaded'} {'fenced', epoch}    see includes/fence.lua

Safe to repeat: it only reads.
]]
--- @include fence

local meta, status, stock = KEYS[1], KEYS[2], KEYS[3]
local refusal = fence(meta, ARGV[1])
if refusal then
  return refusal
end
local answer = {
  'seats', tonumber(redis.call('HGET', meta, 'seq') or 0), redis.call('GET', status) or '',
}
for _, word in ipairs(redis.call('HGETALL', stock)) do
  table.insert(answer, word)
end
return answer
