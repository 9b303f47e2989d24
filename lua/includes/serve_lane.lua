-- A lane as it is stored, or begun; its serving number is at least what the caller has told its fans.
local function read_lane(line, name, seen)
  local base = open_lane(line, name)
  local stored = redis.call('HMGET', line, lane_field('serving', name), lane_field('last_place', name),
    lane_field('called', name))
  local last_place = tonumber(stored[2])
  local serving = math.max(tonumber(stored[1]), math.min(seen, last_place))
  return {
    name = name, base = base, serving = serving, called_up_to = serving, last_place = last_place,
    called = tonumber(stored[3] or 0),
  }
end

local function put_lane(line, lane)
  redis.call('HSET', line, lane_field('serving', lane.name), lane.serving,
    lane_field('called', lane.name), lane.called)
end

-- Move a lane's serving number by at most so many calls, over the places that were never given (lost
-- with a Redis that crashed) free of charge. Answers how many were called; the lane is changed.
local function serve_lane(keys, lane, may_call, cohort)
  local called_now = 0
  -- Between two gaps, and over them; a recovery makes one gap, so there are few.
  for _ = 1, 100 do
    local gap = redis.call('ZRANGEBYSCORE', keys.gaps, lane.base + 1, lane.base + lane.serving + 1,
      'LIMIT', 0, 1)
    if gap[1] then
      lane.serving = math.max(lane.serving, tonumber(gap[1]) - lane.base)
      redis.call('ZREM', keys.gaps, gap[1])
    else
      local next_gap = redis.call('ZRANGEBYSCORE', keys.gaps, lane.base + 1, lane.base + lane.last_place,
        'WITHSCORES', 'LIMIT', 0, 1)
      local until_place = next_gap[2] and tonumber(next_gap[2]) - lane.base - 1 or lane.last_place
      local step = math.min(may_call - called_now, until_place - lane.serving)
      if step <= 0 then
        break
      end
      lane.serving = lane.serving + step
      called_now = called_now + step
    end
  end
  if called_now > 0 then
    -- One row for all that a cohort calls in a lane: between its first and its last address.
    local newest = redis.call('ZREVRANGEBYSCORE', keys.calls, lane.base + lane.last_place,
      '(' .. lane.base, 'LIMIT', 0, 1)[1]
    if not newest or string.match(newest, ':(%d+)$') ~= tostring(cohort) then
      newest = string.format('%d:%d', lane.base + lane.called_up_to + 1, cohort)
    end
    redis.call('ZADD', keys.calls, lane.base + lane.serving, newest)
    lane.called = lane.called + called_now
  end
  return called_now
end

-- For which called places of a lane room is kept, in order: rows of the last place and until when; 0: for
-- none up to there. The rule is that of cohort_that_called, so beyond the last row it is kept for none, too.
-- `kept_until` has the cohorts that are open, each of which has one row at most: that bounds the answer.
local function room_kept(keys, lane, kept_until)
  local found, kept, reached = {}, {}, 0
  if next(kept_until) then
    found = redis.call('ZRANGEBYSCORE', keys.calls, lane.base + 1, lane.base + lane.last_place, 'WITHSCORES')
  end
  for position = 1, #found, 2 do
    local first, number = string.match(found[position], '^(%d+):(%d+)$')
    local ends_at = kept_until[tonumber(number)]
    if ends_at then
      if tonumber(first) - lane.base - 1 > reached then
        kept[#kept + 1] = {tonumber(first) - lane.base - 1, 0}
      end
      reached = tonumber(found[position + 1]) - lane.base
      kept[#kept + 1] = {reached, ends_at}
    end
  end
  return kept
end

-- Drop a lane's rows of cohorts before the oldest one that is open, some at a time.
local function forget_rows(keys, lane, oldest)
  for _ = 1, 200 do
    local row = redis.call('ZRANGEBYSCORE', keys.calls, lane.base + 1, lane.base + lane.last_place,
      'LIMIT', 0, 1)[1]
    if not row or tonumber(string.match(row, ':(%d+)$')) >= oldest then
      return
    end
    redis.call('ZREM', keys.calls, row)
  end
end

-- Which of the places a lane has yet to reach were never given: {first, last} of each gap, in order.
local function gaps_ahead(keys, lane)
  local found = {}
  local rest = redis.call('ZRANGEBYSCORE', keys.gaps, lane.base + 1, lane.base + lane.last_place,
    'WITHSCORES')
  for position = 1, #rest, 2 do
    found[#found + 1] = {tonumber(rest[position + 1]) - lane.base, tonumber(rest[position]) - lane.base}
  end
  return found
end
