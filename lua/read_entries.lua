--[[
Read the entries that the roster in PostgreSQL does not have yet, and forget those that it has.

KEYS
  1 line     hash    epoch
  2 entries  stream  entry number-1 -> fan, from

ARGV
  1 epoch        integer
  2 after        integer   the highest entry number that the roster has
  3 entries_max  integer

RETURNS
  {'entries', entry, fan_id, from, ...}  in the order of their numbers, entries_max at most;
                                    from: network:kind:second, or "" where nobody counts
  {'not_loaded'} {'fenced', epoch}  see includes/fence.lua

Safe to repeat: only what the caller has made durable is forgotten.
]]
--- @include fence

local line, entries = KEYS[1], KEYS[2]
local refusal = fence(line, ARGV[1])
if refusal then
  return refusal
end
local first = (tonumber(ARGV[2]) + 1) .. '-0'
local answer = {'entries'}
for _, found in ipairs(redis.call('XRANGE', entries, first, '+', 'COUNT', ARGV[3])) do
  table.insert(answer, tonumber(string.match(found[1], '^(%d+)-')))
  table.insert(answer, found[2][2])
  table.insert(answer, found[2][4] or '')
end
redis.call('XTRIM', entries, 'MINID', first)
return answer
