--[[
Begin a sale's line in a new epoch, from what PostgreSQL knows and what Redis still has.

Places given in the lost moments before a crash are in nobody's books, so the line goes on above the
leased ceiling, and what lies between is a gap that is passed over. Nobody's place is given twice, and
the serving number never goes back. Entry numbers go on in the same way; while they are taken there are
no places, and so no gaps between them.

KEYS
  1 line  hash  epoch, last_place, ceiling, serving, entering, last_entry, entry_ceiling
  2 gaps  zset  last place of a gap, scored by its first

ARGV
  1 epoch       integer
  2 last_place  integer   the highest place PostgreSQL has noted
  3 leased      integer   the ceiling leased so far: no place above it was ever given
  4 ceiling     integer   a new, higher ceiling, leased for this epoch
  5 serving     integer   the highest serving number PostgreSQL has noted
  6 entering        1 or 0    whether entries to the draw are taken
  7 last_entry      integer   the highest entry number in PostgreSQL's roster
  8 entries_leased  integer   no entry number above it was ever given
  9 entry_ceiling   integer   a new, higher ceiling, leased for this epoch

RETURNS
  {'opened', serving, last_place, last_entry}   the last two: the highest that anybody knows
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
local is_entering = ARGV[6] == '1'
if leased > known then
  if not is_entering then
    redis.call('ZADD', gaps, known + 1, leased)
  end
  known = leased
end
local entry = math.max(tonumber(ARGV[7]), tonumber(redis.call('HGET', line, 'last_entry') or 0))
redis.call('HSET', line, 'epoch', ARGV[1], 'last_place', known, 'ceiling', ARGV[4],
  'serving', serving, 'entering', ARGV[6], 'last_entry', math.max(entry, tonumber(ARGV[8])),
  'entry_ceiling', ARGV[9])
return {'opened', serving, known, entry}
