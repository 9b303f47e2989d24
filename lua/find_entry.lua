--[[
Say which entry number a fan has.

KEYS
  1 line           hash  epoch
  2 entry_numbers  hash  fan_id -> entry number

ARGV
  1 epoch   integer
  2 fan_id  string

RETURNS
  {'entry', entry}
  {'none'}                          the fan never entered, or a lost Redis took the entry with it
  {'not_loaded'} {'fenced', epoch}  see includes/fence.lua

Safe to repeat: nothing is changed.
]]
--- @include fence

local line, entry_numbers = KEYS[1], KEYS[2]
local refusal = fence(line, ARGV[1])
if refusal then
  return refusal
end
local entry = redis.call('HGET', entry_numbers, ARGV[2])
if not entry then
  return {'none'}
end
return {'entry', tonumber(entry)}
