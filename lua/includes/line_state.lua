-- How many fans are inside. Ended visits are dropped on sight, some at a time, and never counted.
local function fans_inside(visits, visit_ids, now)
  local ended = redis.call('ZRANGEBYSCORE', visits, '-inf', now, 'LIMIT', 0, 1000)
  for _, fan_id in ipairs(ended) do
    redis.call('ZREM', visits, fan_id)
    redis.call('HDEL', visit_ids, fan_id)
  end
  return redis.call('ZCOUNT', visits, '(' .. now, '+inf')
end

-- The newest call that is older than the answering time: those it called who have not come are not
-- waited for any longer. They may still come. Answers the place, and how many were called by then.
local function settled_call(calls, now, answer_ms)
  local found = redis.call('ZREVRANGEBYSCORE', calls, now - answer_ms, '-inf', 'LIMIT', 0, 1)
  if not found[1] then
    return 0, 0
  end
  local place, called = string.match(found[1], '^(%d+):(%d+)$')
  return tonumber(place), tonumber(called)
end

-- How many calls are still expected to be answered: made within the answering time and not claimed.
-- Counted by calls, not by places: nobody answers for a place that was never given.
local function calls_open(calls, claims, serving, called, now, answer_ms)
  local settled, called_by_then = settled_call(calls, now, answer_ms)
  local claimed = redis.call('ZCOUNT', claims, '(' .. settled, serving)
  return math.max(0, called - called_by_then - claimed), settled
end
