--[[
Begin a sale's line in a new epoch, from what PostgreSQL knows and what Redis still has.

Places given in the lost moments before a crash are in nobody's books, so the line goes on above the
leased ceiling, and what lies between is a gap that is passed over. Nobody's place is given twice, and
the serving number never goes back. Entry numbers go on in the same way; while they are taken there are
no places, and so no gaps between them.

KEYS
  1 line  hash  epoch, spent, entering, last_entry, entry_ceiling; each lane's last_place, ceiling, serving;
                the epoch's outages
  2 gaps  zset  last address of a gap, scored by its first: see includes/lane.lua

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
  10 lanes          JSON array   of the lanes that have given places besides the general line:
                                 {lane, last_place, leased, ceiling, serving}, as above
  11 now_ms         integer or ""   see includes/now_ms.lua
  12 inside         integer      how many were inside as PostgreSQL has noted it; their room is kept
                                 when this Redis knows nothing
  13 silent_ms      integer      for so long: who has not been seen by then has ended their visit
  14 away_ms        integer      how long the caller could not move the line; a Redis that knows nothing
                                 cannot tell by itself

RETURNS
  {'opened', serving, last_place, last_entry}   the last two: the highest that anybody knows
  {'open_before'}

Safe to repeat: once the epoch is in place nothing changes.
]]
--- @include now_ms
--- @include lane
--- @include frozen

local line, gaps = KEYS[1], KEYS[2]
if redis.call('HGET', line, 'epoch') == ARGV[1] then
  return {'open_before'}
end

-- Let a lane go on above what was ever leased; answers its serving number and its last place.
local function open_at(lane, noted, leased, ceiling, noted_serving, has_gaps)
  local base = open_lane(line, lane)
  local stored = redis.call('HMGET', line, lane_field('last_place', lane), lane_field('serving', lane))
  local known = math.max(noted, tonumber(stored[1] or 0))
  local serving = math.max(noted_serving, tonumber(stored[2] or 0))
  if leased > known then
    if has_gaps then
      redis.call('ZADD', gaps, base + known + 1, string.format('%d', base + leased))
    end
    known = leased
  end
  redis.call('HSET', line, lane_field('last_place', lane), known, lane_field('ceiling', lane), ceiling,
    lane_field('serving', lane), serving)
  return serving, known
end

local serving, known = open_at('general', tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]),
  tonumber(ARGV[5]), ARGV[6] ~= '1')
for _, lane in ipairs(cjson.decode(ARGV[10])) do
  open_at(lane.lane, lane.last_place, lane.leased, lane.ceiling, lane.serving, true)
end
if not redis.call('HGET', line, 'epoch') then
  local now, away_ms = now_ms(ARGV[11]), tonumber(ARGV[14])
  redis.call('HSET', line, 'unseen', ARGV[12], 'unseen_until_ms', now + tonumber(ARGV[13]))
  if away_ms >= OUTAGE_MS_MIN then
    note_outage(line, away_ms)
  end
else
  redis.call('HDEL', line, 'frozen_ms')
end
local entry = math.max(tonumber(ARGV[7]), tonumber(redis.call('HGET', line, 'last_entry') or 0))
redis.call('HSET', line, 'epoch', ARGV[1], 'lost_up_to', redis.call('HGET', line, 'spent') or 0,
  'entering', ARGV[6],
  'last_entry', math.max(entry, tonumber(ARGV[8])), 'entry_ceiling', ARGV[9])
return {'opened', serving, known, entry}
