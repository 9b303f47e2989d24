--[[
Begin a sale's line in a new epoch, from what PostgreSQL knows and what Redis still has.

Places given in the lost moments before a crash are in nobody's books, so the line goes on above the
leased ceiling, and what lies between is a gap that is passed over. Nobody's place is given twice, and
the serving number never goes back.

KEYS
  1 line  hash  epoch, last_place, ceiling, serving
  2 gaps  zset  last place of a gap, scored by its first

ARGV
  1 epoch       integer
  2 last_place  integer   the highest place PostgreSQL has noted
  3 leased      integer   the ceiling leased so far: no place above it was ever given
  4 ceiling     integer   a new, higher ceiling, leased for this epoch
  5 serving     integer   the highest serving number PostgreSQL has noted

RETURNS
  {'opened', serving, last_place}
  {'open_before'}

Safe to repeat: once the epoch is in place nothing changes.
]]
local line, gaps = KEYS[1], KEYS[2]
if redis.call('HGET', line, 'epoch') == ARGV[1] then
  return {'open_before'}
end
local known = math.max(tonumber(ARGV[2]), tonumber(redis.call('HGET', line, 'last_place') or 0))
local serving = math.max(tonumber(ARGV[5]), tonumber(redis.call('HGET', line, 'serving') or 0))
local leased = tonumber(ARGV[3])
if leased > known then
  redis.call('ZADD', gaps, known + 1, leased)
  known = leased
end
redis.call('HSET', line, 'epoch', ARGV[1], 'last_place', known, 'ceiling', ARGV[4],
  'serving', serving)
return {'opened', serving, known}
